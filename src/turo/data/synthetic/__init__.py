"""The synthetic fleet: vehicles, the booking process, and its conditional expectations (the oracle)."""
