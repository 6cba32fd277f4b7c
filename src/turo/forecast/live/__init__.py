"""The last Mondays whose windows are over: how right the forecasts were, and where their errors came from."""
