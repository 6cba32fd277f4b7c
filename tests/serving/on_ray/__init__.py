"""A package, so that its one Ray ends with its last test, not with the whole session."""
