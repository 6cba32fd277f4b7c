"""The Ray cluster from outside: jobs, their logs, the dashboard's interface, a local Ray."""
