"""Rules on history: replay and the learned scorecard."""
