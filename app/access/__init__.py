"""Logging in: accounts, one-time codes, tokens, the keys that sign them."""
