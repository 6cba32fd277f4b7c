"""The four estimators, one interface."""
