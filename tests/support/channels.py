"""Channels for tests, with everything but the interesting part filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clinx.domain.catalog import Channel, Credential, Provider, UpstreamEndpoint
from clinx.domain.operation import Operation
from clinx.domain.template import Template

CHAT = UpstreamEndpoint(Operation.CHAT, "openai_chat", Template.parse("/v1/chat/completions"))
BEARER = (("Authorization", Template.parse("Bearer {{ key }}")),)


def provider(**fields: Any) -> Provider:
    """A provider that takes chat in OpenAI's dialect."""
    filled: dict[str, Any] = {
        "name": "acme",
        "base_url": "http://acme.test",
        "endpoints": (CHAT,),
        "headers": BEARER,
    }
    return Provider(**{**filled, **fields})


def credential(secret: str) -> Credential:
    return Credential(secret, "${env:KEY}")


def channel(name: str = "main", models: Mapping[str, str] | None = None, **fields: Any) -> Channel:
    """A channel of the default group that serves ``m`` under its own name."""
    filled: dict[str, Any] = {
        "provider": provider(),
        "base_url": "http://acme.test",
        "credentials": (credential("key"),),
        "groups": ("default",),
    }
    return Channel(name=name, models=models if models is not None else {"m": "m"}, **{**filled, **fields})
