"""Vehicles as pages show them: which there are, and all that is known of one."""
