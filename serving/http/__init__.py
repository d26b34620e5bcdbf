"""Between the socket and the handlers: problem documents, bodies, load shedding, traces."""
