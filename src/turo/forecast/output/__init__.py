"""Where forecasts are kept: files, PostgreSQL, and their errors on the training runs in MLflow."""
