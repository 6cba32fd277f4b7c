"""Draws of the whole fleet and all horizons at once, and what is added up from them."""
