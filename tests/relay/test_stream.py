import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from clinx.domain.money import Amount
from clinx.domain.usage import Usage
from clinx.relay.stream import StreamedAnswer
from support.fake_upstream import FakeUpstream, hang, hang_up, pause, sse
from support.gateway import Running, chat, chunks, running_gateway, tree_for


async def open_stream(gateway: Running, key: str, **more: Any) -> aiohttp.ClientResponse:
    return await gateway.session.post(
        f"{gateway.url}/v1/chat/completions",
        json=chat(stream=True, **more),
        headers={"Authorization": f"Bearer {key}"},
    )


async def test_content_is_forwarded_before_the_upstream_has_finished(gateway: Running, upstream: FakeUpstream) -> None:
    more = asyncio.Event()
    events = chunks("Hel", "lo")
    upstream.streams([sse(*events[:2], done=False), pause(more), sse(*events[2:])])

    async with await open_stream(gateway, await gateway.key()) as response:
        first = await response.content.readuntil(b'"Hel"')
        more.set()
        rest = await response.content.read()

    assert b'"Hel"' in first
    assert rest.endswith(b"data: [DONE]\n\n")


async def test_the_stream_is_forwarded_byte_for_byte_but_for_the_usage_nobody_asked_for(
    gateway: Running, upstream: FakeUpstream
) -> None:
    events = chunks("Hel", "lo")
    odd = b": comment\n\ndata:" + sse(events[1], done=False)[6:]
    upstream.streams([odd, sse(*events[2:])])

    async with await open_stream(gateway, await gateway.key()) as response:
        body = await response.read()

    # What a vendor says in comments is between it and us; that it said something keeps the connection alive.
    assert body == odd.replace(b": comment", b": ping") + sse(*events[2:-1])


async def test_the_charge_is_committed_before_the_end_is_shown(gateway: Running, upstream: FakeUpstream) -> None:
    user = await gateway.user()
    key = (await gateway.issue(user)).secret
    upstream.streams([sse(*chunks("Hello", usage=(1_000_000, 500_000)))])

    async with await open_stream(gateway, key) as response:
        await response.content.readuntil(b"[DONE]")
        balance = await gateway.balance(user)

    assert balance.total == Amount.parse("8")
    assert balance.held == Amount(0)


async def test_usage_is_counted_when_the_upstream_reports_none(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.streams([sse(*chunks("Hello there, friend.", usage=None))])

    async with await open_stream(gateway, await gateway.key()) as response:
        await response.read()

    [row] = await gateway.request_logs()
    assert row.usage == Usage(input=10, output=5, call=1, estimated=True)


@pytest.mark.parametrize("end", ["eof", "reset"])
async def test_a_stream_without_its_end_is_a_failure_that_charges_what_was_metered(
    gateway: Running, upstream: FakeUpstream, end: str
) -> None:
    events = sse(*chunks("Hello there, friend.")[:2], done=False)
    upstream.streams([events] if end == "eof" else [events, hang_up()])

    async with await open_stream(gateway, await gateway.key()) as response:
        body = await response.read()

    [row] = await gateway.request_logs()
    assert body.startswith(events)
    assert b'"code":"upstream_broken"' in body
    assert b"[DONE]" not in body
    assert (row.outcome, row.status, row.usage.output) == ("upstream_broken", 200, 5)
    assert row.charge > Amount(0)


async def test_a_caller_who_leaves_pays_for_what_was_made_and_the_upstream_is_let_go(
    gateway: Running, upstream: FakeUpstream
) -> None:
    upstream.streams([sse(*chunks("Hello there, friend.")[:2], done=False), hang()])

    response = await open_stream(gateway, await gateway.key())
    await response.content.readuntil(b"friend.")
    response.close()
    await upstream.until(lambda: upstream.open == 0)
    await gateway.idle()

    [row] = await gateway.request_logs()
    assert (row.outcome, row.usage.output, row.usage.estimated) == ("client_gone", 5, True)


async def test_with_drain_the_vendor_s_own_usage_is_charged(tmp_path: Path, upstream: FakeUpstream) -> None:
    more = asyncio.Event()
    events = chunks("Hello", usage=(1000, 700))
    upstream.streams([sse(*events[:2], done=False), pause(more), sse(*events[2:])])
    files = {"gateway.yaml": tree_for(upstream.url)["gateway.yaml"] + "server: {on_client_disconnect: drain}\n"}
    async with running_gateway(tmp_path, files) as gateway:
        response = await open_stream(gateway, await gateway.key())
        await response.content.readuntil(b'"Hello"')
        response.close()
        await gateway.gateway.presence.look()
        more.set()
        await gateway.idle()
        [row] = await gateway.request_logs()

    assert (row.usage.input, row.usage.output, row.usage.estimated) == (1000, 700, False)


async def test_a_stream_in_flight_finishes_on_the_revision_it_began_on(
    gateway: Running, upstream: FakeUpstream
) -> None:
    more = asyncio.Event()
    events = chunks("Hello", usage=(1_000_000, 0))
    upstream.streams([sse(*events[:2], done=False), pause(more), sse(*events[2:])])
    user = await gateway.user()
    key = (await gateway.issue(user)).secret
    before = gateway.gateway.current.generation.snapshot.revision.id

    async with await open_stream(gateway, key) as response:
        await response.content.readuntil(b'"Hello"')
        gateway.write("gateway.yaml", (gateway.root / "gateway.yaml").read_text().replace('input: "1"', 'input: "5"'))
        assert await gateway.gateway.reloader.reload()
        more.set()
        await response.read()

    [row] = await gateway.request_logs()
    assert gateway.gateway.current.generation.snapshot.revision.id != before
    assert (row.revision, row.charge) == (before, Amount.parse("1"))


async def test_shutdown_ends_a_running_stream_with_an_error_event_and_settles_it(
    tmp_path: Path, upstream: FakeUpstream
) -> None:
    never = asyncio.Event()
    upstream.streams([sse(*chunks("Hello there, friend.")[:2], done=False), pause(never)])
    async with running_gateway(tmp_path, tree_for(upstream.url), grace=0.05) as gateway:
        response = await open_stream(gateway, await gateway.key())
        await response.content.readuntil(b"friend.")
        leaving = asyncio.get_running_loop().create_task(gateway.gateway.presence.leave(0.05))
        rest = await response.content.read()
        await leaving
        [row] = await gateway.request_logs()
        never.set()

    assert b'"code":"shutting_down"' in rest
    assert (row.outcome, row.usage.output) == ("shutting_down", 5)


async def test_a_caller_who_leaves_before_any_content_pays_nothing(gateway: Running, upstream: FakeUpstream) -> None:
    upstream.streams([hang()])

    asking = asyncio.get_running_loop().create_task(open_stream(gateway, await gateway.key()))
    await upstream.until(lambda: len(upstream.requests) == 1)
    asking.cancel()
    await upstream.until(lambda: upstream.open == 0)
    await gateway.idle()

    [row] = await gateway.request_logs()
    assert (row.outcome, row.charge, row.status) == ("client_gone", Amount(0), 499)


async def test_leaving_after_the_last_word_does_not_hide_what_it_cost(gateway: Running, upstream: FakeUpstream) -> None:
    report = asyncio.Event()
    events = chunks("Hello", usage=(9, 20_000))
    upstream.streams([sse(*events[:-1], done=False), pause(report), sse(events[-1])])

    response = await open_stream(gateway, await gateway.key())
    await response.content.readuntil(b'"stop"')
    response.close()
    await gateway.gateway.presence.look()
    report.set()
    await gateway.idle()

    [row] = await gateway.request_logs()
    assert (row.usage.output, row.usage.estimated) == (20_000, False)


async def test_a_report_from_the_beginning_is_not_the_bill_of_what_came_after(
    gateway: Running, upstream: FakeUpstream
) -> None:
    events = chunks("Hello there, friend. " * 100, usage=None)
    events[0]["usage"] = {"prompt_tokens": 9, "completion_tokens": 0, "total_tokens": 9}
    upstream.streams([sse(*events[:2], done=False), hang()])

    response = await open_stream(gateway, await gateway.key())
    await response.content.readuntil(b"friend.")
    response.close()
    await upstream.until(lambda: upstream.open == 0)
    await gateway.idle()

    [row] = await gateway.request_logs()
    assert row.usage.output > 400


async def test_a_defect_in_the_middle_is_settled_as_one_and_told_with_its_traceback(
    gateway: Running, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> bytes:
        raise ZeroDivisionError("a defect")

    more = asyncio.Event()
    events = chunks("Hello there, friend.")
    upstream.streams([sse(*events[:2], done=False), pause(more), sse(*events[2:])])

    async with await open_stream(gateway, await gateway.key()) as response:
        await response.content.readuntil(b"friend.")
        monkeypatch.setattr(StreamedAnswer, "_feed", broken)
        more.set()
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.content.read()
    await gateway.idle()

    [row] = await gateway.request_logs()
    defects = [record for record in caplog.records if record.message == "exchange.defect"]
    assert (row.outcome, row.usage.output) == ("internal", 5)
    assert [record.exc_info[0] for record in defects if record.exc_info] == [ZeroDivisionError]


@pytest.mark.parametrize(
    ("error", "code", "opens"),
    [
        ({"message": "Filtered.", "type": "invalid_request_error", "code": "content_filter"}, "upstream_refused", None),
        ({"message": "Long.", "code": "context_length_exceeded"}, "upstream_refused", None),
        ({"message": "Busy.", "type": "overloaded_error"}, "upstream_overloaded", 1),
        ({"message": "Boom.", "type": "server_error"}, "upstream_broken", 1),
    ],
    ids=["filtered", "too long", "busy", "broken"],
)
async def test_an_error_in_the_middle_speaks_against_the_channel_only_if_the_caller_did_not_cause_it(
    tmp_path: Path, upstream: FakeUpstream, error: dict[str, str], code: str, opens: int | None
) -> None:
    files = tree_for(upstream.url)
    files["gateway.yaml"] += "    circuit: {failures: 1}\n"
    more = asyncio.Event()
    upstream.streams([sse(*chunks("Hello there, friend.")[:2], done=False), pause(more), sse({"error": error})])
    async with running_gateway(tmp_path, files) as gateway:
        async with await open_stream(gateway, await gateway.key()) as response:
            await response.content.readuntil(b"friend.")
            more.set()
            body = await response.content.read()
        [row] = await gateway.request_logs()
        labels = {"channel": "main", "state": "open", "cause": "broken"}
        opened = gateway.gateway.metrics.registry.get_sample_value("clinx_circuits_total", labels)

    assert (row.outcome, row.usage.output, opened) == (code, 5, opens)
    assert b"[DONE]" not in body
