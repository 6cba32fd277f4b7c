"""Forecasts for Turo fleets: the one package behind the DAGs, the MLflow projects and the Serve routes."""
