"""One failure of every code, made with all that its kind can carry."""

from __future__ import annotations

from collections.abc import Iterator

from clinx.errors import GatewayError, MethodNotAllowed, UpstreamRefused


def codes() -> dict[str, type[GatewayError]]:
    """Every code of `clinx.errors` and its class."""
    return {kind.code: kind for kind in _kinds(GatewayError) if "code" in vars(kind)}


def _kinds(kind: type[GatewayError]) -> Iterator[type[GatewayError]]:
    for below in kind.__subclasses__():
        yield below
        yield from _kinds(below)


def example(kind: type[GatewayError]) -> GatewayError:
    """A failure as a dialect has to render it."""
    if issubclass(kind, MethodNotAllowed):
        return kind("What went wrong", allowed=frozenset({"POST"}))
    if issubclass(kind, UpstreamRefused):
        body = b'{"error":{"message":"Upstream says no","type":"t","param":"p","code":"c","more":1}}'
        return kind("What went wrong", upstream_status=422, body=body, content_type="application/json")
    return kind("What went wrong", hint="How to mend it", param="model", retry_after=1.5)
