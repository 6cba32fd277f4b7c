"""MLflow's registry: versions, aliases, model files, and the record of what moved which alias."""
