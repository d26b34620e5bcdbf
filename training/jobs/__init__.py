"""One file per make target beyond the training itself."""
