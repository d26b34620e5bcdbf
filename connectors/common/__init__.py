"""What every kind of source has in common."""
