import pytest

from clinx.cli.database import reporting, table


def test_columns_are_as_wide_as_their_widest_cell():
    assert table(("A", "B"), [("1", "long cell"), ("three", "")]) == "A      B\n1      long cell\nthree"
    assert table(("A",), []) == "A"


def test_a_broken_setting_is_said_in_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CLINX_PORT", "no number")

    async def never(_: str) -> int:
        raise AssertionError

    assert reporting(never) == 1
    assert capsys.readouterr().err.startswith("clinx: CLINX_PORT: Input should be a valid integer")
