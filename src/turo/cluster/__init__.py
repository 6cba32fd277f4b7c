"""The Ray cluster from outside: jobs, their logs, the dashboard's interface, a Ray of our own."""
