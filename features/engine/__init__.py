"""From histories to the feature matrix, in a batch and for a request, by the same compiled kernel."""
