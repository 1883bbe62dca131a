import asyncio
from pathlib import Path

from clinx.web import presence
from support.fake_upstream import FakeUpstream, pause, sse
from support.gateway import Running, chat, chunks, running_gateway, tree_for


async def seen(gateway: Running, waiting: int) -> None:
    """Look until so many wait in the queue."""
    async with asyncio.timeout(10):
        while gateway.gateway.metrics.registry.get_sample_value("clinx_overload_waiting") != waiting:
            await asyncio.sleep(0)
            await gateway.gateway.presence.look()


async def test_a_silent_stream_is_kept_alive_by_comments(gateway: Running, upstream: FakeUpstream, monkeypatch) -> None:
    more = asyncio.Event()
    events = chunks("Hello")
    upstream.streams([sse(*events[:2], done=False), pause(more), sse(*events[2:])])
    monkeypatch.setattr(presence, "PING_AFTER", -1.0)

    async with gateway.session.post(
        f"{gateway.url}/v1/chat/completions",
        json=chat(stream=True),
        headers={"Authorization": f"Bearer {await gateway.key()}"},
    ) as response:
        await response.content.readuntil(b'"Hello"')
        await gateway.gateway.presence.look()
        pinged = await response.content.readuntil(b": ping\n\n")
        more.set()
        rest = await response.content.read()

    assert pinged.endswith(b": ping\n\n")
    assert rest.replace(b": ping\n\n", b"").endswith(b"data: [DONE]\n\n")


async def test_who_hangs_up_in_the_queue_leaves_it(tmp_path: Path, upstream: FakeUpstream) -> None:
    answer = asyncio.Event()
    upstream.streams([pause(answer)])
    files = tree_for(upstream.url)
    files["gateway.yaml"] += "server: {concurrency: {total: 1}, queue: {length: 1, wait: 60s}}\n"
    async with running_gateway(tmp_path, files) as gateway:
        key = await gateway.key()
        first = asyncio.Task(gateway.post("/v1/chat/completions", chat(), key=key))
        await upstream.until(lambda: len(upstream.requests) == 1)
        ghost = asyncio.Task(gateway.post("/v1/chat/completions", chat(), key=key))
        await seen(gateway, 1)

        ghost.cancel()
        await seen(gateway, 0)

        assert gateway.gateway.presence.count == 1
        answer.set()
        await first
    assert len(upstream.requests) == 1
