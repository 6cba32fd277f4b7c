"""What the service `operator` answers: metrics, findings, and a backup on demand."""
