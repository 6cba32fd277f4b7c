"""Reading: profiles, canonical tables, repair and quarantine; and the synthetic sample."""
