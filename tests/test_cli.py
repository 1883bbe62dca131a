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

COMMANDS = {
    *("serve", "check", "test", "plan", "explain", "fmt", "propose", "schema"),
    *("user", "token", "code", "invite", "order", "node", "audit", "migrate"),
    *("status", "apply", "rollback", "promote", "override", "channel"),
}


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


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_a_question_about_the_command_itself_imports_no_room(option: str) -> None:
    asked = (
        "import sys; from clinx.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print(*sorted(name for name in sys.modules if name.startswith('clinx')), file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", asked, option], capture_output=True, text=True, timeout=30, check=True)

    assert done.stderr.split() == ["clinx", "clinx.cli"]


def test_every_file_of_the_package_that_is_a_command_is_mounted() -> None:
    files = Path(check.__file__).parent.glob("*.py")

    assert {file.stem for file in files if "def add_parser" in file.read_text(encoding="utf-8")} == COMMANDS


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    leaves_with(0, command, "--help")

    assert capsys.readouterr().out.startswith(f"usage: clinx {command}")


@pytest.mark.parametrize("argv", [(), ("sevre",), ("--verison",), ("serve", "--prot", "1"), ("schema", "polices")])
def test_a_wrong_command_line_exits_2(argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    leaves_with(2, *argv)

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: clinx")


@pytest.mark.parametrize("argument", [["--denny", "models_lost > 0"], ["--format", "yaml"], ["--deny"]])
def test_a_wrong_command_line_is_not_taken_for_a_plan_with_effects(
    argument: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["plan", *argument])

    assert caught.value.code == 1
    assert "error: " in capsys.readouterr().err


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
