"""HTTP as every service here speaks it: bodies, limits, keys, refusals."""
