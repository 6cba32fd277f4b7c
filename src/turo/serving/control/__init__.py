"""What should be served and how it comes about: the registry's wish against Serve's state."""
