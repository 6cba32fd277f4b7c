"""The report for a host: one page, its pictures, and what must be said beside the numbers."""
