"""What the learners have in common: types of examples and matrices, the pooled prior."""
