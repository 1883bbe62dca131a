"""Memory that OpenSSL holds on to for an encrypted connection, given back while the connection waits.

A message after the handshake, such as the tickets for resumption that most servers send before their first answer,
makes OpenSSL allocate room for a record to write (16 KiB), which it frees when the next write is over. On a stream that
only listens there is none. A write of nothing ends at once, sends nothing (``SSL_write_ex``) and frees the room.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import cast


def encryption_of(transport: asyncio.BaseTransport) -> ssl.SSLObject | None:
    """Return what encrypts a connection; None if nothing does."""
    return cast("ssl.SSLObject | None", transport.get_extra_info("ssl_object"))


def give_back(encryption: ssl.SSLObject | None) -> None:
    """Free what only a write would need. To be called when the first bytes of an answer are there, or at any time."""
    if encryption is not None:
        # It may have said good-bye already.
        with contextlib.suppress(ssl.SSLError):
            encryption.write(b"")
