"""The pooled prior: what businesses that share attributes tell each other, in aggregate numbers alone."""
