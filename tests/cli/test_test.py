from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from clinx.cli import test as command
from support.rehearsals import BEFORE
from support.tree import SMALL, tree

GOOD = "- {name: fine, given: {model: small}, expect: {model: small}}\n"
BAD = "- {name: bad, given: {model: small}, expect: {model: large}}\n"


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    args = parser.parse_args(["test", *arguments])
    return args.run(args)


def with_tests(folder: Path, tests: str) -> str:
    return str(tree(folder, {**BEFORE, "policies/tests/a.yaml": tests}))


def test_good_tests_exit_0_and_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(with_tests(tmp_path, GOOD)) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"clinx test: {tmp_path}: 1 passed, 0 failed\n")


def test_a_failed_test_exits_1_and_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(with_tests(tmp_path, GOOD + BAD)) == 1
    said = capsys.readouterr()
    assert said.out == 'policies/tests/a.yaml:2:54 E601 test "bad": "model": expected large, got small\n'
    assert said.err.endswith("1 passed, 1 failed\n")


def test_results_for_programs_and_for_pull_requests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = with_tests(tmp_path, GOOD + BAD)

    assert run(root, "--format", "json") == 1
    said = json.loads(capsys.readouterr().out)
    assert [(each["test"], each["line"], each["ok"], len(each["findings"])) for each in said["tests"]] == [
        ("fine", 1, True, 0),
        ("bad", 2, False, 1),
    ]
    assert run(root, "--format", "github") == 1
    assert capsys.readouterr().out.startswith("::error file=policies/tests/a.yaml,line=2,col=54,title=E601::")


def test_a_tree_that_does_not_compile_is_not_with_tests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tree(tmp_path, {"gateway.yaml": SMALL.replace("echo", "ecko"), "policies/tests/a.yaml": BAD})

    assert run(str(root)) == 1
    said = capsys.readouterr()
    assert said.out.startswith("gateway.yaml:5:28 E201")
    assert "nothing was tested" in said.err


def test_no_tree_is_a_wrong_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(tmp_path / "nowhere")) == 2
    assert "no folder" in capsys.readouterr().err
