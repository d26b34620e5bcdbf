"""Training: splits, search, evaluation, comparison, the gate and MLflow."""
