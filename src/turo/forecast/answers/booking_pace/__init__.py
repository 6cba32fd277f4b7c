"""How far the books of the coming weeks are, against what is usual this long before."""
