import csv
import re
from pathlib import Path

import pytest

from clinx.cli import main
from support.database import lay_tables

CODE = r"CLX(-[0-9A-Z]{5}){5}-[0-9A-Z]{2}"


@pytest.fixture(autouse=True)
def _state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("CLINX_ROOT", str(tmp_path))
    monkeypatch.setenv("CLINX_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("CLINX_DATABASE_URL", raising=False)
    monkeypatch.setattr("getpass.getuser", lambda: "root")
    lay_tables(tmp_path / "clinx.db")
    assert main(["user", "create", "ann"]) == 0


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(argv)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def make(capsys: pytest.CaptureFixture[str], *more: str) -> tuple[list[str], str]:
    code, out, error = run(capsys, "code", "create", "--name", "spring", "--amount", "5", *more)
    assert code == 0
    return out.splitlines(), error.split()[-1]


def test_codes_are_the_whole_output(capsys: pytest.CaptureFixture[str]):
    code, out, error = run(capsys, "code", "create", "--name", "spring", "--amount", "5", "--count", "3")

    assert code == 0
    assert re.fullmatch(rf"({CODE}\n){{3}}", out)
    assert re.fullmatch(r"clinx: made 3 of 5 each, batch_[0-9a-f]{16}\n", error)


def test_a_table_says_what_the_codes_are(capsys: pytest.CaptureFixture[str]):
    lines, batch = make(capsys, "--count", "2", "--expires", "2990-01-31", "--csv")

    header, *rows = csv.reader(lines)
    assert header == ["code", "amount", "name", "batch", "expires_at"]
    assert [row[1:] for row in rows] == [["5", "spring", batch, "2990-01-31T00:00:00+00:00"]] * 2
    assert all(re.fullmatch(CODE, row[0]) for row in rows)


def test_a_code_is_redeemed_once(capsys: pytest.CaptureFixture[str]):
    (code,), _ = make(capsys)

    assert run(capsys, "code", "redeem", "ann", code) == (0, "ann: 5 from code 1\n", "")
    assert run(capsys, "code", "redeem", "ann", code) == (1, "", "clinx: this code was redeemed before, by you\n")

    assert "balance 5 " in run(capsys, "user", "show", "ann")[1]


def test_batches_and_codes_are_listed_without_the_codes(capsys: pytest.CaptureFixture[str]):
    made, batch = make(capsys, "--count", "3", "--expires", "2990-01-31")
    run(capsys, "code", "redeem", "ann", made[0])
    run(capsys, "code", "disable", made[1][:13])

    assert run(capsys, "code", "disable", made[1][:13] + "…") == (0, "withdrew 0: none was open\n", "")
    listed = run(capsys, "code", "list")[1]
    codes = run(capsys, "code", "list", "--batch", batch)[1]

    assert [line.split() for line in listed.splitlines()] == [
        ["BATCH", "NAME", "AMOUNT", "OPEN", "REDEEMED", "DISABLED", "EXPIRED", "EXPIRES", "BY"],
        [batch, "spring", "5", "1", "1", "1", "0", "2990-01-31", "00:00", "cli:root"],
    ]
    rows = [line.split() for line in codes.splitlines()]
    assert [row[:4] for row in rows] == [
        ["ID", "HINT", "STATE", "USER"],
        ["1", f"{made[0][:13]}…", "redeemed", "1"],
        ["2", f"{made[1][:13]}…", "disabled"],
        ["3", f"{made[2][:13]}…", "open"],
    ]
    assert not any(code in listed + codes for code in made)


def test_a_batch_is_withdrawn(capsys: pytest.CaptureFixture[str]):
    made, batch = make(capsys, "--count", "2")

    assert run(capsys, "code", "disable", batch) == (0, "withdrew 2\n", "")
    assert run(capsys, "code", "redeem", "ann", made[0]) == (1, "", "clinx: this code was withdrawn\n")


def test_what_cannot_be_done_is_said_in_one_line(capsys: pytest.CaptureFixture[str]):
    assert run(capsys, "code", "create", "--name", "x", "--amount", "0") == (
        1,
        "",
        "clinx: a code is worth something\n",
    )
    assert run(capsys, "code", "disable", "batch_1") == (1, "", "clinx: there is no batch 'batch_1'\n")
    assert run(capsys, "code", "redeem", "ann", "CLX") == (
        1,
        "",
        "clinx: this is not a code: look for a wrong or missing character\n",
    )
    assert run(capsys, "code", "redeem", "bob", "CLX")[0] == 1
