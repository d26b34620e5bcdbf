"""Attributes of leads and companies as numbers: encoders and what they learn."""
