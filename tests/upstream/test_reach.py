"""Which addresses are tried, and which are refused, is shown by test_dial; here is what a reach itself returns."""

from __future__ import annotations

import asyncio

import pytest

from clinx.upstream.egress import Egress, EgressRefused
from clinx.upstream.names import Names
from clinx.upstream.reach import Direct


async def test_a_socket_is_connected_and_belongs_to_no_event_loop_yet() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with await Direct(Egress(), Names()).open("127.0.0.1", port) as connected:
            assert connected.getpeername() == ("127.0.0.1", port)
            assert await asyncio.get_running_loop().sock_recv(connected, 16) == b"hello"


async def test_an_address_that_may_not_be_reached_is_refused() -> None:
    with pytest.raises(EgressRefused):
        await Direct(Egress(), Names()).open("169.254.169.254", 80)
