"""The prepared table: names, targets, manifest, and how it is read and written."""
