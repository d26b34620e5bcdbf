"""The live lead store: leads and what they do as it happens, their scores over time, in PostgreSQL or SQLite."""
