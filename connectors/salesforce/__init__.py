"""Salesforce: leads, opportunities, their histories, tasks, events and campaigns; scores go back to leads and their
contacts."""
