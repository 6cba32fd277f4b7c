"""From the prepared table to a registered version: split, fit, backtest, report, gate."""
