"""The Ray cluster from outside: jobs, their logs, errors of tasks, the dashboard's interface, a local Ray."""
