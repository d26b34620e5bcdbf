"""Who may ask: API keys, tokens, the middleware that checks them."""
