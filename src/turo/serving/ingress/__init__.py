"""The way into a Ray node that serves: its environment, HAProxy and its limits."""
