"""A day of an operator, by a client that is generated from the schema: a broken edit, a plan, a channel, a way back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openai
import pytest

from clinx.domain.identity import Role
from support.console import Console, running_console
from support.console_client.following import News, following
from support.console_client.operations import (
    Api,
    Aspect,
    ChannelOverrideDropInput,
    ChannelOverrideInput,
    Configuration,
    DocumentInput,
    PlanInput,
    RollbackInput,
    RollbackLiftInput,
)
from support.console_client.transport import Browser, OperationFailed
from support.fake_upstream import FakeUpstream
from support.gateway import completion

MESSAGES: Any = [{"role": "user", "content": "Say hello."}]
OLD = 'input: "1", output: "2"'
NEW = 'input: "10", output: "2"'
BROKEN = "input: one, output: two"
CHARGE, NEW_CHARGE = Decimal("0.000015"), Decimal("0.000096")
"""Of nine tokens in and three out."""


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        server.answers(json=completion("Hello!", input_tokens=9, output_tokens=3))
        yield server


@pytest.fixture
async def console(tmp_path: Path, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Console]:
    monkeypatch.setenv("UPSTREAM_KEY", "sk-upstream")
    async with running_console(tmp_path, upstream=upstream.url) as running:
        yield running


@pytest.fixture
async def root(console: Console) -> Api:
    person = await console.person("root-1", role=Role.ROOT)
    return Api(Browser(console.gateway.url, console.gateway.session, person.cookie))


def sdk(console: Console, key: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{console.gateway.url}/v1", api_key=key, max_retries=0, timeout=10)


async def call(console: Console, key: str) -> str:
    """Call the relay; return the request's id."""
    async with sdk(console, key) as caller:
        answer = await caller.chat.completions.with_raw_response.create(model="fake-model", messages=MESSAGES)
    assert answer.parse().choices[0].message.content == "Hello!"
    return answer.headers["x-request-id"]


async def until_refused(console: Console, key: str) -> tuple[int, str | None]:
    """Call until a call is refused, for processes hear of it within a moment; return how."""
    async with asyncio.timeout(15):
        while True:
            try:
                await call(console, key)
            except openai.APIStatusError as refused:
                return refused.status_code, refused.code


async def until_answered(console: Console, key: str) -> None:
    """Call until a call is answered."""
    async with asyncio.timeout(15):
        while True:
            with contextlib.suppress(openai.APIStatusError):
                await call(console, key)
                return


async def charged(console: Console) -> Decimal:
    """Return what the last call cost."""
    return Decimal(str((await console.gateway.request_logs())[0].charge))


def edit(console: Console, old: str, new: str) -> str:
    """Change the tree on disk; return its gateway.yaml."""
    before = (console.gateway.root / "gateway.yaml").read_text()
    assert old in before
    text = before.replace(old, new)
    console.gateway.write("gateway.yaml", text)
    return text


async def until_served(news: News[Configuration], before: str) -> Configuration:
    """Wait until another revision is served."""
    while (config := await news.next()).revision == before:
        pass
    return config


async def test_a_broken_edit_is_shown_where_it_is_broken_and_is_not_served(console: Console, root: Api) -> None:
    served = (await root.config()).revision
    async with following(root.revision_changed()) as news:
        text = edit(console, OLD, BROKEN)

        while (config := await news.next()).last_look.ok:
            pass

        assert config.revision == served
        line = next(number for number, each in enumerate(text.splitlines(), 1) if BROKEN in each)
        assert {(found.file, found.line, found.is_error) for found in config.last_look.diagnostics} == {
            ("gateway.yaml", line, True)
        }
        await call(console, await console.gateway.key())
        edit(console, BROKEN, OLD)
        while not (mended := await news.next()).last_look.ok:
            pass
    assert (mended.revision, mended.last_look.diagnostics) == (served, ())


async def test_a_plan_tells_what_would_change_and_changes_nothing(console: Console, root: Api) -> None:
    before = await root.config()
    text = (console.gateway.root / "gateway.yaml").read_text()

    plan = await root.plan(PlanInput(documents=(DocumentInput(path="gateway.yaml", content=text.replace(OLD, NEW)),)))
    same = await root.plan(PlanInput(documents=(DocumentInput(path="gateway.yaml", content=text),)))
    broken = await root.plan(
        PlanInput(documents=(DocumentInput(path="gateway.yaml", content=text.replace(OLD, BROKEN)),))
    )

    assert (plan.is_servable, plan.is_empty, plan.before) == (True, False, before.revision)
    rows = [row for section in plan.sections for row in section.rows]
    assert ("fake-model", "", "input", "1", "10", "1000000", "+900%") in rows
    assert (same.is_servable, same.is_empty) == (True, True)
    assert not broken.is_servable
    assert {found.file for found in broken.diagnostics} == {"gateway.yaml"}
    assert await root.config() == before
    assert (console.gateway.root / "gateway.yaml").read_text() == text


async def test_an_override_is_obeyed_until_it_is_dropped(console: Console, root: Api, upstream: FakeUpstream) -> None:
    channel, key = await root.channel("main"), await console.gateway.key()
    until = datetime.now(UTC) + timedelta(minutes=5)
    assert channel is not None

    made = await root.channel_override(
        ChannelOverrideInput(channel=channel.id, disabled=True, until=until, reason="it is slow")
    )

    assert made.errors == ()
    assert made.override is not None
    assert (made.override.aspect, made.override.until) == (Aspect.DISABLED, until)
    config = await root.config()
    assert [(each.channel, each.reason, each.actor) for each in config.overrides] == [
        ("main", "it is slow", "user:root-1")
    ]
    assert await until_refused(console, key) == (503, "no_channel")
    asked = len(upstream.requests)
    assert await until_refused(console, key) == (503, "no_channel")
    assert len(upstream.requests) == asked
    dropped = await root.channel_override_drop(ChannelOverrideDropInput(id=made.override.id))
    assert dropped.errors == ()
    await until_answered(console, key)
    assert (await root.config()).overrides == ()


async def test_a_request_is_explained_to_whoever_asks_why(console: Console, root: Api) -> None:
    called = await call(console, await console.gateway.key())
    await console.gateway.settled()

    told = await root.explain_request(called)

    assert told is not None
    assert (told.request_id, told.revision, told.charge) == (called, (await root.config()).revision, CHARGE)
    assert told.quote is not None
    assert [(line.unit, line.count, line.amount) for line in told.quote.lines] == [
        ("INPUT", 9, "0.000009"),
        ("OUTPUT", 3, "0.000006"),
    ]
    assert (told.quote.total, told.quote.is_whole) == (CHARGE, True)
    assert told.now is not None
    assert [(each.channel, each.upstream_model) for each in told.now.candidates] == [("main", "fake-model")]
    assert told.now.refusal is None
    assert await root.explain_request("req_none") is None


async def test_going_back_serves_and_charges_as_before(console: Console, root: Api) -> None:
    key, before = await console.gateway.key(), (await root.config()).revision
    async with following(root.revision_changed()) as news:
        edit(console, OLD, NEW)
        after = (await until_served(news, before)).revision
        await call(console, key)
        assert await charged(console) == NEW_CHARGE

        went = await root.rollback(RollbackInput(reason="too dear"))

        assert went.rejection is not None
        assert (went.rejection.revision, went.rejection.instead, went.rejection.reason, went.rejection.actor) == (
            after,
            before,
            "too dear",
            "user:root-1",
        )
        config = await until_served(news, after)
        assert (config.revision, [each.revision for each in config.rejections]) == (before, [after])
        await call(console, key)
        assert await charged(console) == CHARGE
        assert (await root.rollback_lift(RollbackLiftInput())).revisions == (after,)
        assert (await until_served(news, before)).revision == after


async def test_none_of_it_is_for_users(console: Console) -> None:
    person = await console.person("ann")
    ann = Api(Browser(console.gateway.url, console.gateway.session, person.cookie))

    for asked in (ann.config(), ann.plan(PlanInput(documents=())), ann.rollback(RollbackInput(reason="x"))):
        with pytest.raises(OperationFailed) as refused:
            await asked
        assert refused.value.code == "forbidden"
