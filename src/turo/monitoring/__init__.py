"""Watching models at work: drift of their inputs, and metrics about what is registered and served."""
