"""Reservations as intervals of time: what of them is known at an origin, and running totals of them."""
