from __future__ import annotations

import asyncio
import socket

import pytest

from clinx.errors import UpstreamMisconfigured
from clinx.upstream.names import Names
from support.outbound import eventually, stage_of

FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443))]


class Resolver:
    """Stands in for the event loop's own, and answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.answers = asyncio.Event()
        self.failure: OSError | None = None

    async def getaddrinfo(self, host: str, port: int, **_: object) -> list[object]:
        self.asked.append((host, port))
        await self.answers.wait()
        if self.failure is not None:
            raise self.failure
        return list(FOUND)


@pytest.fixture
async def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    made = Resolver()
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", made.getaddrinfo)
    return made


async def test_an_address_stands_for_itself() -> None:
    assert [found[4] for found in await Names().resolve("127.0.0.1", 80)] == [("127.0.0.1", 80)]
    assert [found[4][:2] for found in await Names().resolve("::1", 80)] == [("::1", 80)]


@pytest.mark.parametrize(
    "host", ["2852039166", "127.1", "127.0.0.01", "1.2.3.4.5", "256.1.1.1", "::1::", "0xa9fea9fe", "0xA9.254.0xa9fe"]
)
async def test_a_spelling_that_readers_disagree_about_is_no_address(host: str) -> None:
    with pytest.raises(UpstreamMisconfigured) as caught:
        await Names().resolve(host, 80)

    assert stage_of(caught.value) == "connect"


async def test_a_host_that_cannot_be_a_name_is_the_operators_business() -> None:
    with pytest.raises(UpstreamMisconfigured) as caught:
        await Names().resolve("a" * 64 + ".test", 80)

    assert stage_of(caught.value) == "connect"


async def test_a_name_is_asked_for_once_in_a_while(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names()
    resolver.answers.set()

    assert [await names.resolve("acme.test", 443) for _ in range(3)] == [FOUND] * 3
    assert resolver.asked == [("acme.test", 443)]
    monkeypatch.setattr("clinx.upstream.names.REMEMBERED", -1.0)
    await names.resolve("other.test", 443)
    await names.resolve("other.test", 443)
    assert resolver.asked[1:] == [("other.test", 443)] * 2


async def test_those_who_ask_at_the_same_time_share_one_question(resolver: Resolver) -> None:
    names = Names()
    asking = asyncio.gather(*(names.resolve("acme.test", 443) for _ in range(5)))
    await eventually(lambda: bool(resolver.asked))

    resolver.answers.set()

    assert await asking == [FOUND] * 5
    assert resolver.asked == [("acme.test", 443)]


async def test_when_the_one_who_asked_leaves_another_asks(resolver: Resolver) -> None:
    names = Names()
    leaving, staying = (asyncio.gather(names.resolve("acme.test", 443)) for _ in range(2))
    await eventually(lambda: bool(resolver.asked))

    leaving.cancel()
    await eventually(lambda: len(resolver.asked) == 2)
    resolver.answers.set()

    assert await staying == [FOUND]
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_a_failure_is_not_remembered(resolver: Resolver) -> None:
    names = Names()
    resolver.answers.set()
    resolver.failure = socket.gaierror(socket.EAI_NONAME, "unknown")
    with pytest.raises(socket.gaierror):
        await names.resolve("acme.test", 443)

    resolver.failure = None

    assert await names.resolve("acme.test", 443) == FOUND
