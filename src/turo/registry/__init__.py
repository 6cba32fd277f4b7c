"""MLflow's registry: versions, aliases, model files, and the decision log."""
