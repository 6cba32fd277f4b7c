"""When the platform trains again by itself: what speaks for it, and whether that was answered already."""
