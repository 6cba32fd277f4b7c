"""Checks of the running stack."""
