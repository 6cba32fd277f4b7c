"""One archive of all that cannot be made again, and the way back from it into an empty stack."""
