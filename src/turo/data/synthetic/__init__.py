"""The synthetic fleet: cars, the booking process, and its conditional expectations (the oracle)."""
