"""Rows of the prepared table, found by vehicle and origin while a process serves."""
