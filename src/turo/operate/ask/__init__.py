"""Asks the other services over HTTP, each in a module of its own, all within a short time."""
