"""What a request may look like: JSON rows, V2 tensors and MLflow forms, to typed columns."""
