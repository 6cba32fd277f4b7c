"""The prepared table: what its files and columns are called, and the one way to read it."""
