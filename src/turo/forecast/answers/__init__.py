"""The answers hosts ask for on a Monday morning, each from the same facts, each with the rows behind it."""
