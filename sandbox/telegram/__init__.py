"""Telegram as the product meets it: a Bot API server with people on the other side of it."""
