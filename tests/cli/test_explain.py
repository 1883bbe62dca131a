from __future__ import annotations

import argparse
import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clinx.cli import explain
from clinx.domain.override import Aspect, Override
from clinx.storage import overrides
from clinx.storage.database import Database
from support.recorded import Recorded, moved_apart, record
from support.rehearsals import AFTER
from support.tree import tree


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UPSTREAM_KEY", "vendor-secret-0123456789")
        return record(tmp_path_factory.mktemp("recorded"))


@pytest.fixture(autouse=True)
def _no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINX_STATE_DIR", str(tmp_path / "none"))


def run(recorded: Recorded, *arguments: str, database: bool = True) -> int:
    parser = argparse.ArgumentParser()
    explain.add_parser(parser.add_subparsers())
    url = ["--database", recorded.url] if database else []
    args = parser.parse_args(["explain", "--root", str(recorded.root), *url, *arguments])
    return args.run(args)


def test_a_recorded_call_is_explained_by_its_id(recorded: Recorded, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(recorded, recorded.ids[1]) == 0
    told = capsys.readouterr().out
    assert "model     small-high -> small by a rule\n" in told
    assert "caller    user-1 (1), token" in told
    assert "attempts  1. " in told
    assert "\nThe same under revision " in told
    assert "\nchannels  1. one: group default, priority 0, weight 3, " in told
    assert run(recorded, recorded.ids[1], "--format", "json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["asked_model"], said["model"], said["outcome"]) == ("small-high", "small", "ok")
    assert (said["now"]["revision"], said["now"]["model"]) == (said["revision"], "small")
    assert said["now"]["charge"] == said["charge"]


def test_a_call_is_found_where_the_settings_say_that_logs_are(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url, logs_url = moved_apart(recorded, tmp_path / "apart")
    monkeypatch.setenv("CLINX_DATABASE_URL", url)
    assert run(recorded, recorded.ids[1], database=False) == 1

    monkeypatch.setenv("CLINX_LOG_DATABASE_URL", logs_url)
    assert run(recorded, recorded.ids[1], database=False) == 0
    assert "model     small-high -> small by a rule\n" in capsys.readouterr().out


def test_a_call_is_rehearsed_under_the_tree_as_it_is_now(
    recorded: Recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [recorded.ids[3], "--root", str(tree(tmp_path / "tree", AFTER)), "--format", "json"]

    assert run(recorded, *arguments) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["outcome"], said["now"]["refused"]["code"]) == ("ok", "model_not_found")


@pytest.mark.parametrize(
    ("text", "why"), [(None, "no folder"), ("", "no tree in"), ("version: 2\n", "the tree does not compile")]
)
def test_a_call_is_explained_where_there_is_no_tree(
    recorded: Recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, why: str
) -> None:
    root = tmp_path / "tree"
    if text is not None:
        tree(root, {"gateway.yaml": text} if text else {})
        root.mkdir(exist_ok=True)

    assert run(recorded, recorded.ids[0], "--root", str(root)) == 0
    told = capsys.readouterr().out
    assert told.startswith("call      req_")
    assert f"\n\nWhat would become of it now is not known: {why}" in told


def test_a_call_that_nobody_logged_is_not_explained(recorded: Recorded, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(recorded, "req_nobody") == 1
    assert "no log of req_nobody" in capsys.readouterr().err


def test_a_hypothetical_call_of_a_user_is_priced(recorded: Recorded, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--model", "small", "--user", "user-2", "--usage", "input=1000000", "--format", "json"]

    assert run(recorded, *arguments) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["group"], said["charge"]) == ("vip", "0.5")


def test_a_hypothetical_call_has_a_body_and_headers(
    recorded: Recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = tmp_path / "body.json"
    body.write_text('{"n": 2}')
    arguments = ["--model", "any-thing", "--body", str(body), "--header", "X-Session: s", "--group", "default"]

    assert run(recorded, *arguments, "--at", "2026-01-01T12:00", database=False) == 0
    assert "comes to 0.02\n" in capsys.readouterr().out


def put(recorded: Recorded, aspect: Aspect, value: int) -> Override:
    async def written() -> Override:
        database = await Database.connect(recorded.url)
        try:
            return await database.atomically(overrides.put(wish))
        finally:
            await database.close()

    now = datetime.now(UTC)
    wish = Override("one", aspect, value, "it fails", "ann", now, now + timedelta(hours=1))
    return asyncio.run(written())


def drop(recorded: Recorded, override: Override) -> None:
    async def dropped() -> None:
        database = await Database.connect(recorded.url)
        await database.atomically(overrides.drop(override.id, "ann", datetime.now(UTC)))
        await database.close()

    asyncio.run(dropped())


def test_a_call_is_explained_with_the_overrides_in_force(
    recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--model", "small")
    override = put(recorded, Aspect.DISABLED, 1)
    try:
        assert run(recorded, *arguments) == 0
        told = capsys.readouterr().out
        assert run(recorded, *arguments, "--format", "json") == 0
        said = json.loads(capsys.readouterr().out)
        assert run(recorded, recorded.ids[0], "--format", "json") == 0
        logged = json.loads(capsys.readouterr().out)["now"]
        assert run(recorded, *arguments, database=False) == 0
        blind = capsys.readouterr().out
    finally:
        drop(recorded, override)

    assert "overrides channels.one.disabled=true, it fails\n" in told
    assert "channels  1. two: " in told
    assert (said["overrides"], [each["channel"] for each in said["candidates"]]) == (
        ["channels.one.disabled=true"], ["two"]
    )  # fmt: skip
    assert (logged["overrides"], logged["candidates"]) == (said["overrides"], said["candidates"])
    assert "overrides not looked at: no database at" in blind
    assert "channels  1. one: " in blind


def test_where_a_value_comes_from_is_told_with_the_override_in_force(
    recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(recorded, "channels.one.weight", database=False) == 0
    before = capsys.readouterr().out.splitlines()
    put(recorded, Aspect.WEIGHT, 0)
    assert run(recorded, "channels.one.weight") == 0
    after = capsys.readouterr().out.splitlines()

    assert before[0] == "channels.one.weight = 3"
    assert before[2].startswith("  overrides were not looked at: no database at")
    assert after[0] == "channels.one.weight = 0"
    assert after[1].startswith("  override 2 of ann until ")
    assert after[2].startswith("  gateway.yaml:16:")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["channels.oen.weight"], 'unknown channel "oen" (did you mean "one"?)'),
        (["--model", "small", "--operation", "caht"], "nobody can ask for 'caht'"),
        (["--model", "small", "--dialect", "gemni"], "no chat in 'gemni'"),
        (["--model", "small", "--header", "nonsense"], "not a header"),
        (["--model", "small", "--user", "nobody-at-all"], "nobody-at-all"),
        (["--model", "small", "--body", "/nowhere.json"], "explain: --body /nowhere.json: No such file or directory"),
        (["chanels.one.weight"], 'unknown section "chanels" (did you mean "channels"?)'),
    ],
)
def test_what_cannot_be_explained_says_why(
    recorded: Recorded, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert run(recorded, *arguments) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["req-1", "--model", "small"]])
def test_one_thing_is_explained_at_a_time(recorded: Recorded, arguments: list[str]) -> None:
    assert run(recorded, *arguments) == 2


@pytest.mark.parametrize(
    ("read", "text"), [(explain.usage, "inputs=1"), (explain.usage, "input"), (explain.instant, "x")]
)
def test_a_slip_in_an_option_is_refused(read, text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        read(text)
