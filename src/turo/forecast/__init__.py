"""Batch forecast of the fleet: every active vehicle, several horizons, one report, and a look back."""
