"""What the four CRMs share: one HTTP client, secrets, the landing, and the way from there to a dataset."""
