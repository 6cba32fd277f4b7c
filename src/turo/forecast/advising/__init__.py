"""Which vehicles need something this week, how much is at stake, and the one thing to do about each."""
