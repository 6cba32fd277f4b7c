"""Models in native formats, without pickle: how a request becomes a matrix, and a matrix a forecast."""
