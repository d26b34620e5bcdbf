"""The rules: points, thresholds, and the probability that points stand for."""
