"""What to do with a lead: recommendation, advice, next steps, value, human review."""
