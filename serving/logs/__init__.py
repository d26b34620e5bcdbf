"""What is written down: the access log, the audit log, JSON lines."""
