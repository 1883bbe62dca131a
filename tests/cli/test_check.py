from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from clinx.cli import check
from support.tree import SMALL, tree

BROKEN = SMALL.replace("provider: echo", "provider: ecko")
SECRET = SMALL.replace("provider: echo", 'provider: openai, credentials: ["${env:UPSTREAM_NOPE}"]')


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    check.add_parser(parser.add_subparsers())
    args = parser.parse_args(["check", *arguments])
    return args.run(args)


def test_a_good_tree_exits_0_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tree(tmp_path, {"gateway.yaml": SMALL})

    assert run(str(root)) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.endswith("1 channels, 1 models\n")


def test_the_root_document_names_its_folder(tmp_path: Path) -> None:
    assert run(str(tree(tmp_path, {"gateway.yaml": SMALL}) / "gateway.yaml")) == 0


def test_a_broken_tree_exits_1_and_prints_every_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tree(tmp_path, {"gateway.yaml": BROKEN, "providers/x.yaml": "provider: y\n"})

    assert run(str(root)) == 1
    assert capsys.readouterr().out.splitlines() == [
        'gateway.yaml:5:28 E201 unknown provider "ecko" (did you mean "echo"?)',
        'providers/x.yaml:1:11 E209 provider "y" in a file called x.yaml',
    ]


def test_findings_for_programs_and_for_pull_requests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tree(tmp_path, {"gateway.yaml": BROKEN})

    assert run(str(root), "--format", "json") == 1
    assert [each["code"] for each in json.loads(capsys.readouterr().out)] == ["E201"]
    assert run(str(root), "--format", "github") == 1
    assert capsys.readouterr().out.startswith("::error file=gateway.yaml,line=5,col=28,title=E201::")


def test_a_good_tree_in_json_is_an_empty_array(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(tree(tmp_path, {"gateway.yaml": SMALL})), "--format", "json") == 0
    assert json.loads(capsys.readouterr().out) == []


def test_missing_secrets_are_errors_unless_placeholders_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tree(tmp_path, {"gateway.yaml": SECRET})

    assert run(str(root)) == 1
    assert "E403 variable UPSTREAM_NOPE is not set" in capsys.readouterr().out
    assert run(str(root), "--secrets", "placeholders") == 0
    assert "W403 variable UPSTREAM_NOPE is not set" in capsys.readouterr().out


def test_an_empty_folder_is_the_shipped_example(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(tmp_path)) == 0
    assert "the shipped example is good" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("files", "code"), [({"providers/mine.yaml": "provider: mine\n"}, "E110"), ({"gateway.yml": SMALL}, "E108")]
)
def test_parts_of_a_tree_are_not_the_shipped_example(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], files: dict[str, str | bytes], code: str
) -> None:
    assert run(str(tree(tmp_path, files))) == 1
    assert code in capsys.readouterr().out


def test_warnings_are_printed_and_the_tree_is_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(tree(tmp_path, {"gateway.yaml": "version: 1\n"}))) == 0
    said = capsys.readouterr()
    assert said.out.startswith("gateway.yaml:1:1 W214 ")
    assert said.err.endswith("0 channels, 0 models\n")


def test_no_such_root_document_is_a_wrong_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(tmp_path / "gateway.yaml")) == 2
    assert "no file" in capsys.readouterr().err


def test_no_folder_is_a_wrong_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(tmp_path / "nowhere")) == 2
    assert "no folder" in capsys.readouterr().err


def test_without_a_path_the_settings_name_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLINX_ROOT", str(tree(tmp_path, {"gateway.yaml": BROKEN})))

    assert run() == 1
    assert "E201" in capsys.readouterr().out
