"""CSV files as people and spreadsheets leave them: bytes to rows of text, text to values."""
