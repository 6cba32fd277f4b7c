"""The prepared table: its names, its manifest, its reader and its writer."""
