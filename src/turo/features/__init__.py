"""Features as of an origin date, targets after it: pure functions, the same for training and serving."""
