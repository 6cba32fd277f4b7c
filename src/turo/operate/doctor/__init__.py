"""What is wrong with this machine, this configuration, this stack: small checks, each with its remedy."""
