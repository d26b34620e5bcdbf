"""The process: reloading models, graceful shutdown, connections, the Bento."""
