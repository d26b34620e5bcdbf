"""Datasets larger than memory: tables cut into buckets of whole accounts, and a matrix written bucket by bucket."""
