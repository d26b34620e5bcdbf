"""The hold-out: metrics, coverage, calibration, gate, segments, what the model is worth."""
