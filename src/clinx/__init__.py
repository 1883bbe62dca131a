"""Clinx: an LLM gateway with a ledger.

The rooms, from the door inwards: `cli` and `app` start things; `web` speaks HTTP; `relay` is one exchange from
arrival to settlement; `config` compiles the YAML tree; `routing`, `billing`, `accounts` and `upstream` are the verbs
the relay composes; `dialects` are the wire formats; `storage` and `state` keep things; `domain` holds the nouns.
What is above may import what is below, never the reverse (`pyproject.toml`, import contracts).
"""

__version__ = "0.1.0"
