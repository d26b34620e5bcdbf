"""Models: rules, learners, calibration, the chain, reasons, recommendation, the model folder. Code, not artefacts."""
