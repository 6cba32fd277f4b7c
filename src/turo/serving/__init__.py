"""Serving: bytes in, bytes out (predictor), one Serve application a model, one owner of them all."""
