"""Pipedrive: persons, organisations, deals with their changelog, the leads inbox, activities; scores go back to persons."""
