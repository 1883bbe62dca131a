"""How an exchange with an upstream breaks: the stage it was in, and the error of the tree it becomes.

Callers are shown our own neutral sentences. The cause chained to them is for the operator: it names the stage and the
kind of failure, and never an address, a header or a text that came over the wire, for those may hold secrets.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable
from enum import StrEnum
from typing import Final

import aiohttp

from clinx.errors import UpstreamBroken, UpstreamError, UpstreamMisconfigured, UpstreamTimeout
from clinx.upstream.egress import EgressRefused


class Stage(StrEnum):
    """Where in its life an exchange with an upstream was."""

    REQUEST = "request"
    """The tree's values make no request."""
    EGRESS = "egress"
    """The address may not be reached."""
    CONNECT = "connect"
    """Name, connection, TLS, proxy."""
    WRITE = "write"
    """Sending the request."""
    FIRST_BYTE = "first_byte"
    """Sent, no answer yet."""
    IDLE = "idle"
    """Between two pieces of the body."""
    TOTAL = "total"
    """The deadline of the whole exchange."""
    BODY = "body"
    """The body is cut, too long or not decodable."""


class StageFailure(Exception):
    """The private cause: what broke, and when."""

    def __init__(self, stage: Stage, detail: str) -> None:
        """Describe it for the operator."""
        super().__init__(f"{stage.value}: {detail}")
        self.stage = stage
        self.detail = detail


def broken(stage: Stage, detail: str) -> UpstreamBroken:
    """Return the failure of an upstream that cannot be understood or reached."""
    error = UpstreamBroken("The provider of this model failed to answer.")
    error.__cause__ = StageFailure(stage, detail)
    return error


def timed_out(stage: Stage, seconds: float) -> UpstreamTimeout:
    """Return the failure of an upstream that is late."""
    error = UpstreamTimeout("The provider of this model did not answer in time.")
    error.__cause__ = StageFailure(stage, f"nothing for {seconds:.3g} s")
    return error


def misconfigured(stage: Stage, detail: str) -> UpstreamMisconfigured:
    """Return the failure the operator has to mend."""
    error = UpstreamMisconfigured("The provider of this model is not set up correctly; the operator has to act.")
    error.__cause__ = StageFailure(stage, detail)
    return error


_Become = Callable[[Stage, str], UpstreamError]

_BECOMES: Final[tuple[tuple[type[Exception], Stage, _Become], ...]] = (
    (aiohttp.ClientConnectorCertificateError, Stage.CONNECT, misconfigured),
    (aiohttp.ClientHttpProxyError, Stage.CONNECT, misconfigured),
    (aiohttp.ClientConnectorError, Stage.CONNECT, broken),
    (aiohttp.InvalidURL, Stage.CONNECT, misconfigured),
)
"""What the general client library raises before a request is out; the first row that fits wins. The rest came later."""


def before_the_body(error: aiohttp.ClientError) -> UpstreamError:
    """Turn what the general client library raises up to the answer's head into an error of the tree."""
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, EgressRefused):
        return misconfigured(Stage.EGRESS, f"{error.os_error.address} may not be reached")
    for kind, stage, become in _BECOMES:
        if isinstance(error, kind):
            return become(stage, _detail(error))
    return broken(Stage.FIRST_BYTE, _detail(error))


def in_the_body(error: aiohttp.ClientError) -> UpstreamError:
    """Turn what the general client library raises after the answer's head into an error of the tree."""
    return broken(Stage.BODY, _detail(error))


def cause_of(error: Exception) -> str:
    """Name what failed underneath; an error's own text may hold an address or what came over the wire."""
    if isinstance(error, ssl.SSLError):
        return getattr(error, "reason", None) or type(error).__name__
    if isinstance(error, OSError) and error.errno and not isinstance(error, socket.gaierror):
        return os.strerror(error.errno)
    return type(error).__name__


def _detail(error: aiohttp.ClientError) -> str:
    name = type(error).__name__
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"{name} ({cause_of(error.os_error)})"
    if isinstance(error, OSError) and error.errno:
        return f"{name} ({cause_of(error)})"
    return name
