"""Sources: everything that writes a dataset."""
