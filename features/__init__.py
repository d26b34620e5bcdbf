"""Features: tables, sources, histories, the catalogue and its engine, landmarks, labels. Knows nothing of models."""
