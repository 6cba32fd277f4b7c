"""A model at work in a replica of Ray Serve: loaded, exchanged, observed."""
