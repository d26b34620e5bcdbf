"""Tests of the client and of the examples in docs/clients.md."""
