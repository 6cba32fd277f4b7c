"""A forecast where no model fits: the best baseline of the fleet's own data."""
