from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from clinx.config.snapshot import Snapshot
from clinx.domain.catalog import Channel
from clinx.domain.inquiry import InquiryError
from clinx.domain.provider_balance import BalanceCode
from clinx.relay import provider_balances
from clinx.relay.provider_balances import ProviderBalances
from clinx.telemetry.tasks import Supervisor
from clinx.upstream.pool import Pool
from clinx.upstream.request import RequestBuilder
from clinx.upstream.send import Sender
from support.database import Clock
from support.fake_upstream import FakeUpstream, pause
from support.tree import compile_files

KEY, KEY_B = "8e4be683", "90d5f33a"
SECRET = "vendor-secret-b"

ACME = """\
provider: acme
extends: openai
base_url: {url}
balance: {{path: /left, value: data.left, currency: CNY}}
"""
CHANNELS = """\
models: {m: {price: free}}
channels:
  - {name: main, provider: acme, credentials: ["${env:UPSTREAM_KEY}"], models: [m]}
  - {name: two, provider: acme, credentials: ["${env:UPSTREAM_KEY}", "${env:UPSTREAM_KEY_B}"], models: [m]}
  - {name: silent, provider: openai, credentials: ["${env:UPSTREAM_KEY}"], models: [m]}
  - {name: open, provider: keyless, models: [m]}
"""
KEYLESS = "provider: keyless\nextends: acme\nneeds_key: false\n"


class Asking:
    """A tree whose channels are asked about, over real sockets."""

    def __init__(self, root: Path, pool: Pool) -> None:
        self.root, self.pool, self.clock, self.supervisor = root, pool, Clock(), Supervisor()
        self.snapshot: Snapshot
        self.balances = ProviderBalances(
            Sender(pool, self.clock.monotonic),
            RequestBuilder({}, "clinx/test"),
            self.supervisor,
            served=lambda: (self.snapshot,),
            now=self.clock.now,
            monotonic=self.clock.monotonic,
        )

    async def serve(self, acme: str, channels: str = CHANNELS) -> None:
        files = {"gateway.yaml": channels, "providers/acme.yaml": acme, "providers/keyless.yaml": KEYLESS}
        self.snapshot = compile_files(self.root, files).snapshot
        await self.pool.lease(self.snapshot.channels.values(), ())

    def channel(self, name: str = "main") -> Channel:
        return self.snapshot.channels[name]

    async def ask(self, name: str = "main", credential: str | None = None) -> list[tuple[str, str | None, str | None]]:
        await self.balances.refresh(self.channel(name), credential)
        return [(each.credential, each.shown, each.currency) for each in self.balances.known(self.channel(name))]

    async def failure(self, name: str = "main") -> tuple[BalanceCode | None, str | None]:
        await self.balances.refresh(self.channel(name))
        [only] = self.balances.known(self.channel(name))
        assert (only.amount, only.currency) == (None, None)
        return only.code, only.cause


Start = Callable[[str], AbstractAsyncContextManager[Asking]]


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest.fixture
def start(tmp_path: Path) -> Start:
    @asynccontextmanager
    async def started(acme: str) -> AsyncGenerator[Asking]:
        pool = Pool()
        asking = Asking(tmp_path, pool)
        try:
            await asking.serve(acme)
            yield asking
        finally:
            await asking.supervisor.close()
            await pool.close()

    return started


@pytest.fixture
async def asking(start: Start, upstream: FakeUpstream) -> AsyncIterator[Asking]:
    async with start(ACME.format(url=upstream.url)) as made:
        yield made


def left(amount: object) -> object:
    return {"data": {"left": amount}}


async def test_the_vendor_is_asked_with_the_channels_key(asking: Asking, upstream: FakeUpstream) -> None:
    upstream.answers(json=left("12.50"))

    assert await asking.ask() == [(KEY, "12.50", "CNY")]

    [only] = asking.balances.known(asking.channel())
    assert (only.at, only.code, only.cause) == (asking.clock.now(), None, None)
    [request] = upstream.requests
    assert (request.method, request.path, request.body) == ("GET", "/left", b"")
    assert request.headers["authorization"] == "Bearer vendor-secret-0123456789"


async def test_nobody_is_asked_before_somebody_wants_to_know(asking: Asking, upstream: FakeUpstream) -> None:
    assert asking.balances.known(asking.channel()) == []
    assert upstream.requests == []


async def test_each_credential_has_an_account(asking: Asking, upstream: FakeUpstream) -> None:
    upstream.answers(json=left(1))

    assert sorted(await asking.ask("two")) == sorted([(KEY, "1", "CNY"), (KEY_B, "1", "CNY")])

    keys = sorted(each.headers["authorization"] for each in upstream.requests)
    assert keys == ["Bearer vendor-secret-0123456789", f"Bearer {SECRET}"]


async def test_one_credential_may_be_asked_with_alone(asking: Asking, upstream: FakeUpstream) -> None:
    upstream.answers(json=left(1))

    assert await asking.ask("two", KEY_B) == [(KEY_B, "1", "CNY")]

    assert [each.headers["authorization"] for each in upstream.requests] == [f"Bearer {SECRET}"]


async def test_of_many_credentials_those_come_first_that_were_unasked_longest(
    asking: Asking, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider_balances, "MOST_CREDENTIALS", 1)
    upstream.answers(json=left(1))
    asked: list[str] = []

    for _ in range(4):
        await asking.ask("two")
        asked.append(upstream.requests[-1].headers["authorization"].removeprefix("Bearer "))
        asking.clock.advance(1)

    assert asked == ["vendor-secret-0123456789", SECRET] * 2


async def test_a_server_without_keys_is_asked_without_one(asking: Asking, upstream: FakeUpstream) -> None:
    upstream.answers(json=left(3))

    [(_, amount, _)] = await asking.ask("open")

    assert amount == "3"
    assert "authorization" not in upstream.requests[0].headers


async def test_what_was_used_may_be_asked_for_elsewhere(start: Start, upstream: FakeUpstream) -> None:
    minus = "minus: {path: /used, value: cents, per: 100}, currency: CNY}"
    upstream.answers(json=left("20")).answers(json={"cents": 1234.5})

    async with start(ACME.format(url=upstream.url).replace("currency: CNY}", minus)) as asking:
        assert await asking.ask() == [(KEY, "7.655", "CNY")]

    assert [each.path for each in upstream.requests] == ["/left", "/used"]


async def test_a_refusal_is_told_in_the_vendors_words_without_the_key(asking: Asking, upstream: FakeUpstream) -> None:
    said = {"error": {"message": f"no such key: {SECRET}, nor sk-0123456789abcdefghijklmnop", "code": "bad"}}
    upstream.answers(status=401, json=said)

    await asking.balances.refresh(asking.channel("two"), KEY_B)

    [only] = asking.balances.known(asking.channel("two"))
    assert (only.code, only.cause) == (BalanceCode.REFUSED, "status 401: bad no such key: …, nor …")


@pytest.mark.parametrize("status", [204, 301, 404, 410, 500])
async def test_only_ok_is_an_answer(asking: Asking, upstream: FakeUpstream, status: int) -> None:
    upstream.answers(status=status, body=b"", headers={"Location": f"{upstream.url}/elsewhere"})

    assert await asking.failure() == (BalanceCode.REFUSED, f"status {status}")
    assert len(upstream.requests) == 1


async def test_a_page_of_words_is_cut_short(asking: Asking, upstream: FakeUpstream) -> None:
    upstream.answers(status=400, json={"error": {"message": "no " * 10_000}})

    code, cause = await asking.failure()

    assert code is BalanceCode.REFUSED
    assert cause is not None
    assert len(cause) < 400


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"<html>", "the answer is no JSON"),
        (b'{"code": 1004, "message": "secret"}', "there is no data.left in the answer"),
        (b'{"data": {"left": "plenty"}}', "data.left is no decimal number"),
        (b'{"data": {"left": 1}}' + b" " * (64 << 10), "body: longer than 65536 bytes"),
    ],
    ids=["page", "error", "words", "too long"],
)
async def test_an_answer_that_is_none_is_not_repeated(
    asking: Asking, upstream: FakeUpstream, body: bytes, cause: str
) -> None:
    upstream.answers(body=body)

    assert await asking.failure() == (BalanceCode.UNREADABLE, cause)


async def test_who_does_not_answer_in_time_is_left(
    asking: Asking, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider_balances, "PATIENCE", 0.05)
    upstream.hangs()

    code, cause = await asking.failure()

    assert code is BalanceCode.UNREACHABLE
    assert cause is not None
    assert cause.startswith("total: ")


async def test_who_is_not_there_cannot_be_reached(asking: Asking, upstream: FakeUpstream) -> None:
    upstream.drops()

    assert (await asking.failure())[0] is BalanceCode.UNREACHABLE


async def test_where_calls_may_not_go_no_question_goes(start: Start) -> None:
    async with start(ACME.format(url="http://169.254.169.254")) as asking:
        code, cause = await asking.failure()

    assert (code, cause) == (BalanceCode.UNREACHABLE, "egress: 169.254.169.254 may not be reached")


async def test_a_failure_takes_the_place_of_what_was_known(asking: Asking, upstream: FakeUpstream) -> None:
    upstream.answers(json=left(1)).answers(status=500, json={})

    assert await asking.ask() == [(KEY, "1", "CNY")]
    assert await asking.failure() == (BalanceCode.REFUSED, "status 500")


async def test_a_provider_that_does_not_say_how_is_not_asked(asking: Asking, upstream: FakeUpstream) -> None:
    with pytest.raises(InquiryError) as refused:
        await asking.balances.refresh(asking.channel("silent"))

    assert (refused.value.code, refused.value.path) == ("not_offered", ("channel",))
    assert upstream.requests == []


async def test_a_credential_that_is_none_of_the_channels_is_refused(asking: Asking, upstream: FakeUpstream) -> None:
    with pytest.raises(InquiryError) as refused:
        await asking.balances.refresh(asking.channel(), KEY_B)

    assert refused.value.code == "unknown_credential"
    assert upstream.requests == []


async def test_about_one_channel_there_is_one_question_at_a_time(asking: Asking, upstream: FakeUpstream) -> None:
    may_answer = asyncio.Event()
    body = b'{"data": {"left": 5}}'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    upstream.raw(pause(may_answer), head + body)
    first = asking.supervisor.start(asking.balances.refresh(asking.channel()), name="first")
    await upstream.until(lambda: len(upstream.requests) == 1)

    with pytest.raises(InquiryError) as refused:
        await asking.balances.refresh(asking.channel())
    may_answer.set()
    await first

    assert refused.value.code == "too_many_questions"
    assert len(upstream.requests) == 1
    assert await asking.ask() == [(KEY, "5", "CNY")]


async def test_who_leaves_takes_the_questions_along(asking: Asking, upstream: FakeUpstream) -> None:
    upstream.hangs()
    leaving = asking.supervisor.start(asking.balances.refresh(asking.channel()), name="leaving")
    await upstream.until(lambda: len(upstream.requests) == 1)

    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving

    await upstream.until(lambda: upstream.open == 0)
    assert asking.balances.known(asking.channel()) == []


async def test_what_is_asked_in_another_manner_is_forgotten(asking: Asking, upstream: FakeUpstream) -> None:
    upstream.answers(json=left(1))
    await asking.ask("two")
    before = asking.channel("two")

    await asking.serve(ACME.format(url=upstream.url), CHANNELS.replace(', "${env:UPSTREAM_KEY_B}"', ""))
    await asking.ask()

    assert [each.credential for each in asking.balances.known(before)] == [KEY]
    await asking.serve(ACME.format(url=upstream.url).replace("/left", "/rest"))
    assert asking.balances.known(asking.channel()) == []
