"""To another version and, where that fails, back: what `upgrade.sh` asks of the operator's container."""
