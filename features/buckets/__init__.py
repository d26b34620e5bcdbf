"""Datasets larger than memory: their tables cut into buckets of whole accounts, and a matrix that is written bucket by bucket."""
