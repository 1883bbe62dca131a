"""Tokens: the keys that calls of the relay are made with. A token's secret is shown once, when it is made."""
