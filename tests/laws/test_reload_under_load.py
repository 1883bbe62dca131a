"""Edits under load: whatever an operator does to the tree, no request fails and none sees half a tree."""

import asyncio
import os
from pathlib import Path

from support.fake_upstream import FakeUpstream
from support.gateway import Running, chat, completion, running_gateway, tree_for

EDITS = 500 if os.environ.get("SOAK_MINUTES") else 200
"""Half of them good, half bad."""


def edit(text: str, number: int) -> tuple[str, bool]:
    """Return the tree after one edit, and whether it is a good one."""
    price = f"{1 + number % 7}"
    good = text.replace('input: "1"', f'input: "{price}"') + f"# edit {number}\n"
    bad = [
        good.replace("channels:", "chanels:"),
        good.replace("provider: openai-compatible", "provider: no-such-provider"),
        good[: len(good) // 2],
        good + "  : [\n",
        "",
    ]
    return (good, True) if number % 2 else (bad[number // 2 % len(bad)], False)


async def keep_asking(gateway: Running, key: str, stopped: asyncio.Event) -> list[int]:
    statuses: list[int] = []
    while not stopped.is_set():
        status, _ = await gateway.post_raw("/v1/chat/completions", chat(), key=key)
        statuses.append(status)
    return statuses


async def test_hundreds_of_edits_good_and_bad_and_no_failed_request(tmp_path: Path) -> None:
    async with FakeUpstream() as upstream:
        upstream.answers(json=completion())
        files = tree_for(upstream.url)
        async with running_gateway(tmp_path, files) as gateway:
            key, stopped = await gateway.key(credit="1000"), asyncio.Event()
            load = [asyncio.get_running_loop().create_task(keep_asking(gateway, key, stopped)) for _ in range(4)]
            outcomes: list[bool] = []
            for number in range(EDITS):
                text, _ = edit(files["gateway.yaml"], number)
                gateway.write("gateway.yaml", text)
                outcomes.append(await gateway.gateway.reloader.reload())
            stopped.set()
            statuses = [status for each in load for status in await each]
            await gateway.idle()
            alive = gateway.gateway.current.alive
            await gateway.settled()
            (revisions,) = (await gateway.gateway.database.fetch("SELECT COUNT(DISTINCT revision) FROM request_log"))[0]

    assert outcomes == [edit(files["gateway.yaml"], number)[1] for number in range(EDITS)]
    assert set(statuses) == {200}
    assert len(statuses) > EDITS / 10
    assert alive == 1, "every older generation was closed"
    assert revisions > 1, "requests followed the edits"
