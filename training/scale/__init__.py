"""Trainings and batch scoring of datasets larger than memory, or on more than one machine; docs/scale.md."""
