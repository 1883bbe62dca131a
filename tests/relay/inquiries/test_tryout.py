from __future__ import annotations

from pathlib import Path

import pytest

from clinx.domain.inquiry import InquiryError, TryoutEvent, TryoutStage, TryoutWish
from clinx.relay.inquiries import tryout
from clinx.relay.inquiries.tryout import chosen
from support.fake_upstream import FakeUpstream, hang
from support.gateway import completion
from support.station import Station, running_station
from support.tree import compile_files

PATTERNS = """\
version: 1
models: {"gpt-*": {price: free}, "alias-*": {price: free}}
channels:
  - {name: main, provider: echo, models: [{"gpt-*": "gpt-*"}, {"alias-*": one}]}
"""


async def tried(station: Station, wish: TryoutWish) -> list[TryoutEvent]:
    return [event async for event in station.inquirer.try_out(wish)]


async def test_a_test_is_told_as_it_goes(station: Station, upstream: FakeUpstream) -> None:
    upstream.answers(json=completion())

    events = await tried(station, TryoutWish("main"))

    stages = [TryoutStage.STARTED, TryoutStage.ANSWERED, TryoutStage.READ, TryoutStage.SUCCEEDED]
    assert [event.stage for event in events] == stages
    assert [event.status for event in events] == [None, 200, 200, 200]
    assert events[-1].usage is not None
    assert (events[-1].model, events[-1].dialect, events[-1].operation) == ("fake-model", "openai_chat", "chat")
    assert upstream.requests[0].headers["authorization"] == "Bearer vendor-secret-0123456789"
    last = station.inquirer.last_test("main")
    assert last is not None
    assert (last.outcome, last.at, last.credential) == ("ok", station.clock.now(), events[0].credential)


async def test_a_failure_is_told_with_its_cause_and_without_a_key(station: Station, upstream: FakeUpstream) -> None:
    upstream.answers(status=401, json={"error": {"message": "bad key sk-0123456789abcdefghijklmnop", "code": "nope"}})

    events = await tried(station, TryoutWish("main", model="per-call"))

    assert [event.stage for event in events] == [TryoutStage.STARTED, TryoutStage.ANSWERED, TryoutStage.FAILED]
    assert (events[-1].status, events[-1].code) == (401, "upstream_misconfigured")
    assert events[-1].cause == "status 401: nope bad key …"
    [state] = station.health.states()
    assert state.state == "held"


async def test_a_full_channel_says_so(tmp_path: Path, upstream: FakeUpstream) -> None:
    files = {"gateway.yaml": TREE.format(url=upstream.url)}
    async with running_station(tmp_path, files) as station:
        station.health.occupancy.enter(station.current.snapshot.channels["main"], 0, station.clock.monotonic())

        events = await tried(station, TryoutWish("main"))

    assert [(event.stage, event.code) for event in events] == [
        (TryoutStage.STARTED, None),
        (TryoutStage.FAILED, "channel_full"),
    ]
    assert upstream.requests == []


async def test_only_a_few_run_at_a_time(
    station: Station, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tryout, "MOST", 1)
    upstream.streams([hang()])
    running = station.inquirer.try_out(TryoutWish("main"))
    await anext(running)

    with pytest.raises(InquiryError) as refused:
        await tried(station, TryoutWish("main"))
    await running.aclose()

    assert refused.value.code == "too_many_tests"
    upstream.answers(json=completion())


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (TryoutWish("other"), "not_found"),
        (TryoutWish("main", credential="00000000"), "unknown_credential"),
        (TryoutWish("main", model="gpt-5"), "unknown_model"),
    ],
    ids=["channel", "credential", "model"],
)
async def test_what_is_not_there_cannot_be_tried(station: Station, wish: TryoutWish, code: str) -> None:
    with pytest.raises(InquiryError) as refused:
        await tried(station, wish)

    assert refused.value.code == code


@pytest.mark.parametrize(("model", "upstream"), [("gpt-4", "gpt-4"), ("alias-x", "one")])
def test_a_model_of_a_pattern_is_tried_under_its_upstream_s_name(tmp_path: Path, model: str, upstream: str) -> None:
    snapshot = compile_files(tmp_path, {"gateway.yaml": PATTERNS}).snapshot

    assert chosen(snapshot, TryoutWish("main", model=model)).model == upstream


@pytest.mark.parametrize("model", [None, "gpt-*"])
def test_a_pattern_itself_is_no_model(tmp_path: Path, model: str | None) -> None:
    snapshot = compile_files(tmp_path, {"gateway.yaml": PATTERNS}).snapshot

    with pytest.raises(InquiryError) as refused:
        chosen(snapshot, TryoutWish("main", model=model))

    assert refused.value.code == "unknown_model"


TREE = """\
version: 1
models: {{m: {{price: free}}}}
channels:
  - name: main
    provider: openai-compatible
    base_url: {url}
    credentials: ["${{env:UPSTREAM_KEY}}"]
    models: [m]
    limits: {{concurrency: 1}}
"""
