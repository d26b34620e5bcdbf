"""Fitting: splits, hyperparameter search, transitions, censoring, value, baselines."""
