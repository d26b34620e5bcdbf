"""From a configuration to landmarks ready to learn from."""
