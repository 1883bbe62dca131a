from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from clinx.errors import UpstreamBroken, UpstreamMisconfigured, UpstreamTimeout
from clinx.upstream.send import STALE, Sender, Transports
from support.fake_upstream import FakeUpstream, hang, hang_up
from support.outbound import BODY, hang_up_unnoticed, later, request_to, stage_of


async def test_a_request_arrives_as_it_was_built_and_nothing_is_added(upstream: FakeUpstream, sender: Sender) -> None:
    upstream.answers(json={"ok": True})

    response = await sender.send(request_to(upstream.url), deadline=later())

    assert await response.read() == b'{"ok": true}'
    received = upstream.requests[0]
    assert (received.method, received.path, received.body) == ("POST", "/v1/chat/completions", BODY)
    assert received.headers == {
        "host": upstream.url.removeprefix("http://"),
        "accept": "application/json",
        "content-type": "application/json",
        "user-agent": "clinx/test",
        "accept-encoding": "identity",
        "content-length": str(len(BODY)),
    }


async def test_a_large_body_arrives_byte_for_byte(upstream: FakeUpstream, sender: Sender) -> None:
    upstream.answers(json={})
    body = bytes(range(256)) * 4096

    response = await sender.send(request_to(upstream.url, body=body), deadline=later())

    await response.read()
    assert upstream.requests[0].body == body


@pytest.mark.parametrize("status", [201, 400, 429, 500, 599])
async def test_every_status_is_an_answer(upstream: FakeUpstream, sender: Sender, status: int) -> None:
    upstream.answers(json={}, status=status)

    response = await sender.send(request_to(upstream.url), deadline=later())

    assert response.status == status
    await response.close()


async def test_a_redirect_is_an_answer_and_is_not_followed(upstream: FakeUpstream, sender: Sender) -> None:
    upstream.answers(json={}, status=307, headers={"Location": f"{upstream.url}/elsewhere"})

    response = await sender.send(request_to(upstream.url), deadline=later())

    assert response.status == 307
    await response.read()
    assert [request.path for request in upstream.requests] == ["/v1/chat/completions"]


async def test_connections_are_kept(upstream: FakeUpstream, sender: Sender) -> None:
    upstream.answers(json={})

    for _ in range(3):
        await (await sender.send(request_to(upstream.url), deadline=later())).read()

    assert [request.connection for request in upstream.requests] == [1, 1, 1]


async def test_a_kept_connection_that_was_closed_meanwhile_is_replaced_once(
    upstream: FakeUpstream, sender: Sender
) -> None:
    upstream.answers(json={}).answers(json={"second": True})
    await (await sender.send(request_to(upstream.url), deadline=later())).read()
    hang_up_unnoticed(upstream)

    response = await sender.send(request_to(upstream.url), deadline=later())

    assert await response.read() == b'{"second": true}'
    assert [request.connection for request in upstream.requests] == [1, 2]


async def test_a_kept_connection_that_took_the_request_may_have_served_it_and_is_not_tried_again(
    upstream: FakeUpstream, sender: Sender
) -> None:
    upstream.answers(json={}).raw(hang_up())
    await (await sender.send(request_to(upstream.url), deadline=later())).read()

    with pytest.raises(UpstreamBroken) as caught:
        await sender.send(request_to(upstream.url), deadline=later())

    assert stage_of(caught.value) == "first_byte"
    assert [request.connection for request in upstream.requests] == [1, 1]


async def test_what_only_reads_is_asked_again_whoever_has_seen_it(upstream: FakeUpstream, sender: Sender) -> None:
    upstream.answers(json={}).raw(hang_up()).answers(json={"second": True})
    asks = replace(request_to(upstream.url, body=b""), method="GET")
    await (await sender.send(asks, deadline=later())).read()

    response = await sender.send(asks, deadline=later())

    assert await response.read() == b'{"second": true}'
    assert [request.connection for request in upstream.requests] == [1, 1, 2]


async def test_a_second_break_is_a_failure(upstream: FakeUpstream, sender: Sender) -> None:
    upstream.answers(json={}).drops()
    await (await sender.send(request_to(upstream.url), deadline=later())).read()
    hang_up_unnoticed(upstream)

    with pytest.raises(UpstreamBroken) as caught:
        await sender.send(request_to(upstream.url), deadline=later())

    assert stage_of(caught.value) == "first_byte"
    assert [request.connection for request in upstream.requests] == [1, 2]


async def test_a_fresh_connection_that_breaks_may_have_been_served_and_is_not_tried_again(
    upstream: FakeUpstream, sender: Sender
) -> None:
    upstream.drops()

    with pytest.raises(UpstreamBroken) as caught:
        await sender.send(request_to(upstream.url), deadline=later())

    assert caught.value.message == "The provider of this model failed to answer."
    assert stage_of(caught.value) == "first_byte"
    assert len(upstream.requests) == 1


async def test_a_kept_connection_that_breaks_late_may_have_been_served_and_is_not_tried_again(
    upstream: FakeUpstream, transports: Transports, sender: Sender
) -> None:
    upstream.answers(json={})
    await (await sender.send(request_to(upstream.url), deadline=later())).read()
    seconds = iter([0.0, 0.0, STALE])
    hang_up_unnoticed(upstream)

    with pytest.raises(UpstreamBroken) as caught:
        await Sender(transports, lambda: next(seconds)).send(request_to(upstream.url), deadline=30.0)

    assert stage_of(caught.value) == "first_byte"
    assert len(upstream.requests) == 1


async def test_nobody_listens(sender: Sender) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"

        with pytest.raises(UpstreamBroken) as caught:
            await sender.send(request_to(url), deadline=later())

    assert stage_of(caught.value) == "connect"
    assert url.removeprefix("http://") not in f"{caught.value}{caught.value.__cause__}"


async def test_a_server_too_busy_to_accept_is_a_timeout_of_connecting(sender: Sender) -> None:
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"

        with pytest.raises(UpstreamTimeout) as caught:
            await sender.send(request_to(url, connect=0.05), deadline=later())

    assert stage_of(caught.value) == "connect"


async def test_an_upstream_that_says_nothing_is_left_after_the_first_byte_deadline(
    upstream: FakeUpstream, sender: Sender
) -> None:
    upstream.hangs()

    with pytest.raises(UpstreamTimeout) as caught:
        await sender.send(request_to(upstream.url, first_byte=0.05), deadline=later())

    assert caught.value.message == "The provider of this model did not answer in time."
    assert stage_of(caught.value) == "first_byte"
    await upstream.until(lambda: upstream.open == 0)


async def test_the_deadline_of_the_exchange_bounds_the_wait_for_the_first_byte(
    upstream: FakeUpstream, sender: Sender
) -> None:
    upstream.hangs()

    with pytest.raises(UpstreamTimeout) as caught:
        await sender.send(request_to(upstream.url), deadline=later(0.05))

    assert stage_of(caught.value) == "total"


async def test_a_deadline_that_has_passed_sends_nothing(upstream: FakeUpstream, sender: Sender) -> None:
    upstream.answers(json={})

    with pytest.raises(UpstreamTimeout) as caught:
        await sender.send(request_to(upstream.url), deadline=later(-1))

    assert stage_of(caught.value) == "total"
    assert upstream.requests == []


@pytest.mark.parametrize(
    "head",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: x\r\n" * 10_000 + b"\r\n",
    ],
    ids=["no http", "no status", "no length", "no chunk", "a giant line", "too many headers"],
)
async def test_an_unreadable_head_is_a_broken_upstream(upstream: FakeUpstream, sender: Sender, head: bytes) -> None:
    upstream.raw(head)

    with pytest.raises(UpstreamBroken) as caught:
        await sender.send(request_to(upstream.url), deadline=later())

    assert stage_of(caught.value) == "first_byte"
    await upstream.until(lambda: upstream.open == 0)


async def test_plain_text_where_tls_was_expected_is_a_failure_of_connecting(
    upstream: FakeUpstream, sender: Sender
) -> None:
    upstream.raw(b"hello\r\n", closes=True)

    with pytest.raises(UpstreamBroken) as caught:
        await sender.send(request_to(upstream.url.replace("http:", "https:"), first_byte=5.0), deadline=later())

    assert stage_of(caught.value) in {"connect", "first_byte"}


async def test_a_metadata_address_is_refused_before_a_packet_leaves(sender: Sender) -> None:
    with pytest.raises(UpstreamMisconfigured) as caught:
        await sender.send(request_to("http://169.254.169.254"), deadline=later())

    assert caught.value.message == ("The provider of this model is not set up correctly; the operator has to act.")
    assert str(caught.value.__cause__) == "egress: 169.254.169.254 may not be reached"


async def test_an_odd_spelling_of_an_address_is_no_address(sender: Sender) -> None:
    with pytest.raises(UpstreamMisconfigured) as caught:
        await sender.send(request_to("http://2852039166"), deadline=later())

    assert stage_of(caught.value) == "connect"


async def test_a_cancelled_request_drops_its_connection(upstream: FakeUpstream, sender: Sender) -> None:
    upstream.hangs()

    sending = asyncio.gather(sender.send(request_to(upstream.url), deadline=later()))
    await upstream.until(lambda: len(upstream.requests) == 1)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending

    await upstream.until(lambda: upstream.open == 0)


async def test_an_answer_comes_over_tls_from_a_server_that_is_who_it_says(
    certificate: Callable[[str], ssl.SSLContext], sender: Sender
) -> None:
    asked: list[str | None] = []
    shown = certificate("localhost")
    shown.sni_callback = lambda _, name, __: asked.append(name)
    async with FakeUpstream(tls=shown) as upstream:
        upstream.answers(json={"ok": True})
        url = upstream.url.replace("127.0.0.1", "localhost")

        for _ in range(2):
            response = await sender.send(request_to(url, body=b"x" * 300_000), deadline=later())
            assert await response.read() == b'{"ok": true}'

        assert [request.connection for request in upstream.requests] == [1, 1]
        assert upstream.requests[1].body == b"x" * 300_000
    assert asked == ["localhost"]


async def test_a_stream_over_tls_may_be_left_in_the_middle(
    certificate: Callable[[str], ssl.SSLContext], sender: Sender
) -> None:
    async with FakeUpstream(tls=certificate("localhost")) as upstream:
        upstream.streams([b"data: 1\n\n", hang()])
        response = await sender.send(request_to(upstream.url), deadline=later())
        assert await anext(response.chunks()) == b"data: 1\n\n"

        await response.close()

        await upstream.until(lambda: upstream.open == 0)


async def test_a_server_with_a_certificate_for_another_name_is_not_spoken_to(
    certificate: Callable[[str], ssl.SSLContext], sender: Sender
) -> None:
    async with FakeUpstream(tls=certificate("elsewhere")) as upstream:
        with pytest.raises(UpstreamMisconfigured) as caught:
            await sender.send(request_to(upstream.url), deadline=later())

    assert stage_of(caught.value) == "connect"
    assert upstream.requests == []
