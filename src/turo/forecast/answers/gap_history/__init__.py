"""What of a fleet's calendar was open in past weeks, as it was known then, and what became of it."""
