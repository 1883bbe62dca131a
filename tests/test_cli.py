import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import clinx
from clinx.cli import check, main
from clinx.storage.migrate import migrate

COMMANDS = {"serve", "check", "schema", "user", "token", "code", "invite", "order", "node", "audit", "migrate"}


def leaves_with(code: int, *argv: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == code


def test_the_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    leaves_with(0, "--version")

    assert capsys.readouterr() == (f"clinx {clinx.__version__}\n", "")


def test_help_lists_every_command_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    leaves_with(0, "--help")

    listed = dict(re.findall(r"^    (\w+) +(\S.*)$", capsys.readouterr().out, re.MULTILINE))
    assert set(listed) == COMMANDS


def test_every_file_of_the_package_that_is_a_command_is_mounted() -> None:
    files = Path(check.__file__).parent.glob("*.py")

    assert {file.stem for file in files if "def add_parser" in file.read_text(encoding="utf-8")} == COMMANDS


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    leaves_with(0, command, "--help")

    assert capsys.readouterr().out.startswith(f"usage: clinx {command}")


@pytest.mark.parametrize("argv", [(), ("sevre",), ("--verison",), ("serve", "--prot", "1"), ("schema", "policy")])
def test_a_wrong_command_line_exits_2(argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    leaves_with(2, *argv)

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: clinx")


def test_the_command_s_own_exit_code_is_handed_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "gateway.yaml").write_text("version: 2\n")

    assert main(["check", str(tmp_path)]) == 1
    assert main(["schema"]) == 0


def test_ctrl_c_exits_130_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "read_tree", interrupted)

    assert main(["check"]) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("argv", [("schema",), ("user", "list")], ids=["long", "short"])
def test_a_reader_who_left_is_no_failure(argv: tuple[str, ...], tmp_path: Path) -> None:
    environment = {**os.environ, "CLINX_STATE_DIR": str(tmp_path), "CLINX_DATABASE_URL": ""}
    environment.pop("PYTHONUNBUFFERED", None)
    asyncio.run(migrate(f"sqlite:///{tmp_path / 'clinx.db'}"))
    left, written = os.pipe()
    os.close(left)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "clinx", *argv],
            stdout=written,
            stderr=subprocess.PIPE,
            env=environment,
            timeout=30,
            check=False,
        )
    finally:
        os.close(written)

    assert (done.returncode, done.stderr) == (0, b"")
