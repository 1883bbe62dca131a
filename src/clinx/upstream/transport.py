"""What carries a request to a provider and an answer back; two ways of doing so sit behind these names.

Seconds are relative here: whoever holds the deadlines says how long each wait may last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from clinx.errors import UpstreamError
from clinx.upstream.request import UpstreamRequest


class ConnectTimeout(TimeoutError):
    """No connection within the request's own connect deadline."""


class WriteTimeout(TimeoutError):
    """The request was not taken off our hands within its own write deadline."""


class ConnectionEnded(Exception):
    """The connection ended without a byte of an answer."""

    def __init__(self, failure: UpstreamError, *, reused: bool, unseen: bool) -> None:
        """Keep what is needed to decide about another try.

        Args:
            failure: what it means if it is final.
            reused: whether the connection had carried an exchange before.
            unseen: whether the other side is known to have acknowledged nothing of the request.
        """
        super().__init__(str(failure.__cause__))
        self.failure = failure
        self.reused = reused
        self.unseen = unseen


class Arriving(Protocol):
    """An answer whose head is there."""

    @property
    def status(self) -> int:
        """The HTTP status, 200 or above."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Case-insensitive."""
        ...

    def take(self) -> bytes | None:
        """Return what has arrived of the body, decoded; empty at its end, None when it is to be waited for.

        Raises:
            UpstreamBroken: the body is cut short or not decodable.
        """
        ...

    async def wait(self, within: float) -> None:
        """Wait until there may be something to take.

        Raises:
            TimeoutError: nothing came; the connection is gone.
            UpstreamBroken: as `take`.
        """
        ...

    def close(self) -> None:
        """Let go; unless the body has arrived to its end, the connection goes too."""
        ...


class Transport(Protocol):
    """Connections that share a way to the network."""

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        ...

    async def exchange(self, request: UpstreamRequest, *, within: float) -> Arriving:
        """Send once, and return when the answer's head is there.

        Raises:
            ConnectTimeout: no connection within the request's connect deadline.
            WriteTimeout: the request was not taken within its write deadline; not every transport has one.
            TimeoutError: no head within the seconds given, connecting included.
            ConnectionEnded: the connection ended without a byte.
            UpstreamBroken: no connection, or an answer that cannot be read.
            UpstreamMisconfigured: an address that may not be reached, is none, or shows a wrong certificate.
        """
        ...

    async def close(self) -> None:
        """Close every connection, busy or not. Closing again does nothing."""
        ...
