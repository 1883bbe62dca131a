import asyncio

from clinx.web import presence
from support.fake_upstream import FakeUpstream, pause, sse
from support.gateway import Running, chat, chunks


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
