"""From log-odds to probabilities that come true: blend, calibration, intervals, chain, timing, drift."""
