"""Batch forecast of the fleet: every active car, several horizons, one report, and a look back."""
