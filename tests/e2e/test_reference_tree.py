"""A tree that says everything once, as the reference describes it: it compiles, and its own tests pass."""

from pathlib import Path

import pytest

from clinx.cli import main

TREE = Path(__file__).parents[1] / "goldens" / "reference"


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    vendors = ("OPENAI_KEY_A", "OPENAI_KEY_B", "ANTHROPIC_KEY", "GEMINI_KEY")
    console = ("GITHUB", "LINUXDO", "TELEGRAM", "WECHAT", "CORP", "MAIL", "HOOK")
    for name in (*vendors, *(f"CLINX_SECRET_{each}" for each in console)):
        monkeypatch.setenv(name, f"secret-{name}")


def test_it_compiles(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(TREE)]) == 0

    said = capsys.readouterr()
    assert "4 channels, 9 models" in said.err
    assert {line.split()[1] for line in said.out.splitlines()} == {"W205", "W307"}


def test_its_own_tests_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", str(TREE)]) == 0

    assert "3 passed, 0 failed" in "".join(capsys.readouterr())


def test_it_is_formatted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fmt", "--check", str(TREE / "gateway.yaml")]) == 0, capsys.readouterr()
