"""How much of what we wrote the other side has acknowledged, as the kernel counts it.

It decides whether a request may have been seen. An acknowledgement travels with whatever the other side sends last, so
a connection that ends in good order after the request was taken counts it. Only a reset may overtake it, within the
moment for which acknowledgements are delayed.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Final, Protocol, cast

_TCP_INFO: Final[int | None] = getattr(socket, "TCP_INFO", None)
_BYTES_ACKED: Final = 120
"""Where Linux (4.1 and later) keeps ``tcpi_bytes_acked``."""
_LENGTH: Final = _BYTES_ACKED + 8
_COUNT: Final = struct.Struct(f"={_BYTES_ACKED}xQ")


class Asked(Protocol):
    """What of a socket is asked; an event loop shows sockets of its own kind, which take longer to answer."""

    def getsockopt(self, level: int, optname: int, buflen: int, /) -> bytes:
        """See `socket.socket`."""
        ...

    def fileno(self) -> int:
        """See `socket.socket`."""
        ...


def socket_of(transport: asyncio.BaseTransport) -> Asked | None:
    """Return what can be asked of a transport's socket."""
    return cast("Asked | None", transport.get_extra_info("socket"))


def acknowledged(asked: Asked | None) -> int | None:
    """Return a count that grows with every acknowledged byte; None where nobody counts, or the socket is gone."""
    if asked is None or _TCP_INFO is None:
        return None
    try:
        told = asked.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _LENGTH)
    except OSError:
        return None
    return _COUNT.unpack(told)[0] if len(told) == _LENGTH else None
