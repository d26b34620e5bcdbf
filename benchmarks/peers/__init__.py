"""Peers on the same landmarks: what else a business could have used, each at its best."""
