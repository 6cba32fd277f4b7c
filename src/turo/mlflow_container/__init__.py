"""The mlflow container's side of the platform: first start, health, Gunicorn's settings."""
