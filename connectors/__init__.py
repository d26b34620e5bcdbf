"""Connectors, in and out: everything that writes a dataset, and what takes scores back to a CRM.

Nothing is imported here: a connector is loaded when it is opened (`connectors.registry`).
"""
