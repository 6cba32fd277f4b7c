"""How good a model is: splits, backtest, baselines, figures."""
