"""What should be served and how it comes about: desired state from the registry, reconciler, rollback."""
