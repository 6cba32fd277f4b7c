"""The time machine: what this product would have forecast on past Mondays, and what came true."""
