"""From a host's name to a connected socket, directly.

Names are resolved here, and every address is checked where the socket for it is made, so that what was checked is what
is connected to. Several addresses of a name are tried in turn, the next before the last has given up.
"""

from __future__ import annotations

import socket
from typing import Final, Protocol

from aiohappyeyeballs import start_connection  # pyright: ignore[reportUnknownVariableType]  (a bare tuple in its types)

from clinx.upstream.egress import Egress
from clinx.upstream.names import Names

_NEXT_ADDRESS: Final = 0.25
"""Seconds after which the next address is tried beside the last."""


class Reach(Protocol):
    """A way of getting to a host."""

    async def open(self, host: str, port: int) -> socket.socket:
        """Return a socket that is connected; what is written to it arrives there.

        Raises:
            OSError: nobody answers there, or nobody knows the name.
            EgressRefused: the address may not be reached.
            UpstreamError: the name is none, or what stands between fails.
        """
        ...


class Direct:
    """Nothing stands between."""

    def __init__(self, egress: Egress, names: Names) -> None:
        """Take the rule, and who knows names."""
        self._egress = egress
        self._names = names

    async def open(self, host: str, port: int) -> socket.socket:
        """See `Reach`."""
        resolved = await self._names.resolve(host, port)
        return await start_connection(
            resolved, happy_eyeballs_delay=_NEXT_ADDRESS, interleave=1, socket_factory=self._egress.open
        )
