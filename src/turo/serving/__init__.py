"""Serving: one Ray Serve application per model, the catalog at `/`, and the reconciler that deploys them."""
