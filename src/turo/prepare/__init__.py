"""From raw files to the prepared table."""
