from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from clinx.cli import plan
from support.recorded import Recorded, moved_apart, record
from support.rehearsals import AFTER, BEFORE
from support.tree import SMALL, tree


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    plan.add_parser(parser.add_subparsers())
    args = parser.parse_args(["plan", *arguments])
    return args.run(args)


@pytest.fixture(autouse=True)
def _no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINX_STATE_DIR", str(tmp_path / "none"))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UPSTREAM_KEY", "vendor-secret-0123456789")
        return record(tmp_path_factory.mktemp("recorded"))


@pytest.fixture
def trees(tmp_path: Path) -> tuple[str, str]:
    return str(tree(tmp_path / "before", BEFORE)), str(tree(tmp_path / "after", AFTER))


def test_no_effects_exit_0_and_effects_exit_2(trees: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    before, after = trees

    assert run(before, "--against", before) == 0
    assert capsys.readouterr().out.startswith("clinx plan: no effects")
    assert run(after, "--against", before) == 2
    assert "small       input  1       1.25   1000000  +25%" in capsys.readouterr().out


def test_a_broken_bound_exits_1_and_one_that_holds_does_not(
    trees: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = trees

    assert run(after, "--against", before, "--deny", "price_change > 50%", "--deny", "models_lost > 0") == 1
    assert "Denied: models_lost > 0: models_lost is 5" in capsys.readouterr().out
    assert run(after, "--against", before, "--deny", "price_change > 50%") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--deny", "price_chnge > 1%"], "did you mean"),
        (["--deny", "calls_refused > 0"], "add --replay 7d"),
        (["--replay", "soon"], "not a span"),
        (["--replay", "7d"], "no database at"),
        (["--database", "nonsense"], "the database URL must be"),
        (["--against", "nowhere"], "nowhere is no folder and no revision"),
    ],
)
def test_what_cannot_be_done_exits_1_and_says_why(
    trees: tuple[str, str], capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    against = [] if "--against" in arguments else ["--against", trees[0]]

    assert run(trees[1], *against, *arguments) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "files",
    [
        {"gateway.yaml": SMALL.replace("echo", "ecko")},
        {"gateway.yaml": SMALL, "policies/tests/a.yaml": "- {given: {model: small}, expect: {model: large}}\n"},
    ],
)
def test_a_tree_that_could_not_be_served_is_not_planned(
    tmp_path: Path, trees: tuple[str, str], capsys: pytest.CaptureFixture[str], files: dict[str, str]
) -> None:
    root = tree(tmp_path / "broken", files)

    assert run(str(root), "--against", trees[0]) == 1
    said = capsys.readouterr()
    assert " E" in said.out
    assert said.err == "clinx plan: the tree on disk cannot be served\n"


def test_of_two_trees_the_broken_one_is_named(
    tmp_path: Path, trees: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tree(tmp_path / "broken", {"gateway.yaml": SMALL.replace("echo", "ecko")})

    assert run(trees[1], "--against", str(broken)) == 1
    assert capsys.readouterr().err == "clinx plan: the tree that it is compared with cannot be served\n"


def test_recorded_traffic_through_its_own_tree_costs_what_it_cost(
    recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    run(
        str(recorded.root),
        "--against",
        str(recorded.root),
        "--replay",
        "1h",
        "--database",
        recorded.url,
        "--format",
        "json",
    )

    replay = json.loads(capsys.readouterr().out)["replay"]
    assert replay["total"]["calls"] == 5
    assert replay["total"]["before"] == replay["total"]["after"] != "0"
    assert (replay["refused"], replay["rerouted"], replay["admitted"]) == ([], 0, 0)
    assert sorted(replay["models"]) == ["large", "nothing", "old", "small", "small-high"]


def test_recorded_traffic_is_read_where_the_settings_say_that_logs_are(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url, logs_url = moved_apart(recorded, tmp_path / "apart")
    monkeypatch.setenv("CLINX_DATABASE_URL", url)
    monkeypatch.setenv("CLINX_LOG_DATABASE_URL", logs_url)
    run(str(recorded.root), "--against", str(recorded.root), "--replay", "1h", "--format", "json")

    assert json.loads(capsys.readouterr().out)["replay"]["total"]["calls"] == 5


def test_recorded_traffic_tells_what_another_tree_would_refuse_and_charge(
    recorded: Recorded, trees: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--against", trees[0], "--replay", "1h", "--database", recorded.url, "--format", "json"]

    assert run(trees[1], *arguments, "--deny", "calls_refused > 1") == 1
    said = json.loads(capsys.readouterr().out)
    assert [(each["code"], each["model"], each["examples"]) for each in said["replay"]["refused"]] == [
        ("model_not_found", "large", [recorded.ids[2]]),
        ("model_not_found", "old", [recorded.ids[3]]),
    ]
    assert said["denied"] == ["calls_refused > 1: calls_refused is 2"]
    small = said["replay"]["models"]["small"]
    assert float(small["after"]) > float(small["before"]) > 0
    assert [each["name"] for each in said["tokens"]] == ["default", "default"]
    assert said["channels"]["stranded"] == []
