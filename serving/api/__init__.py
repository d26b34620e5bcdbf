"""The addresses: handlers, pages, metrics, OpenAPI."""
