"""Airflow's side of the platform: operators for Ray jobs, the first start, health checks."""
