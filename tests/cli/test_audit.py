import asyncio
import json
from pathlib import Path

import pytest

from clinx.billing.alarm import freeze
from clinx.cli import main
from clinx.storage.database import Database
from support.database import START, lay_tables
from support.history import frozen, moved, run


@pytest.fixture(autouse=True)
def url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """A ledger in which ann was given 5."""
    monkeypatch.setenv("CLINX_ROOT", str(tmp_path))
    monkeypatch.setenv("CLINX_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("CLINX_DATABASE_URL", raising=False)
    lay_tables(tmp_path / "clinx.db")
    assert main(["user", "create", "ann", "--credit", "5"]) == 0
    capsys.readouterr()
    return f"sqlite:///{tmp_path / 'clinx.db'}"


def audit(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(["audit", *argv])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def break_the_books(url: str) -> None:
    async def work() -> None:
        database = await Database.connect(url)
        await run(database, moved("user:1", 1))
        await freeze(database, ["user:1"], at=START)
        await database.close()

    asyncio.run(work())


def who_is_frozen(url: str) -> list[str]:
    async def work() -> list[str]:
        database = await Database.connect(url)
        found = await frozen(database)
        await database.close()
        return found

    return asyncio.run(work())


def test_each_rule_is_printed_with_how_much_was_compared(capsys: pytest.CaptureFixture[str]):
    table = (
        "RULE      COMPARED            THAT\n"
        "I1    ok  2 entries           the entries of each event sum to zero\n"
        "I2    ok  4 accounts          each balance is the sum of its entries\n"
        "I3    ok  0 holds and leases  held and leased are the open holds and what is unspent of leases\n"
        "I4    ok  0 settlements       each hold is settled at most once, for what its entry says\n"
        "I5    ok  0 open holds        no hold or lease outlives its process\n"
        "I6    ok  0 credits           each order and code is credited once, for its amount\n"
        "I7    ok  0 logs              charges are what request logs and spend say\n"
        "I8    ok  1 accounts          nobody is overdrawn beyond the bound\n"
    )

    assert audit(capsys) == (0, table, "")


def test_a_breach_is_printed_and_is_a_no(capsys: pytest.CaptureFixture[str], url: str):
    break_the_books(url)

    code, output, error = audit(capsys)

    assert (code, error) == (1, "")
    assert output.splitlines()[2] == "I2    BREACH  4 accounts          each balance is the sum of its entries"
    assert output.splitlines()[9:] == ["I2 user:1: expected 5, found 5.000000001"]


def test_the_report_is_json_for_programs(capsys: pytest.CaptureFixture[str], url: str):
    break_the_books(url)

    code, output, error = audit(capsys, "--json")
    report = json.loads(output)

    assert (code, error, report["ok"]) == (1, "", False)
    assert [check["rule"] for check in report["checks"]] == ["I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8"]
    assert report["checks"][1] == {
        "rule": "I2",
        "title": "each balance is the sum of its entries",
        "compared": 4,
        "breaches": [{"subject": "user:1", "expected": "5", "actual": "5.000000001", "accounts": ["user:1"]}],
    }


def test_the_bound_is_a_setting(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, url: str):
    main(["user", "create", "bob"])
    spend = (
        "INSERT INTO entry (event, account, amount, kind, at) VALUES ('x', 'user:2', -2500000000, 'refund', 0)",
        "INSERT INTO entry (event, account, amount, kind, at) VALUES ('x', 'promo', 2500000000, 'refund', 0)",
    )

    async def work() -> None:
        database = await Database.connect(url)
        await run(
            database,
            *spend,
            "INSERT INTO account (name, balance, held) VALUES ('user:2', 0, 0) ON CONFLICT DO NOTHING",
            moved("user:2", -2_500_000_000),
            moved("promo", 2_500_000_000),
        )
        await database.close()

    asyncio.run(work())
    capsys.readouterr()

    assert audit(capsys)[1].splitlines()[9:] == ["I8 user:2: expected -1, found -2.5"]
    monkeypatch.setenv("CLINX_OVERDRAFT_BOUND", "2.5")
    assert audit(capsys)[0] == 0


def test_an_audit_changes_nothing_and_a_thaw_only_what_it_says(capsys: pytest.CaptureFixture[str], url: str):
    break_the_books(url)
    audit(capsys)
    assert who_is_frozen(url) == ["user:1"]

    assert audit(capsys, "--thaw", "ann") == (
        1,
        "",
        "clinx: --thaw needs --reason: what was wrong, and why it is right now\n",
    )
    assert who_is_frozen(url) == ["user:1"]
    assert audit(capsys, "--thaw", "ann", "--reason", "a bug, mended") == (
        0,
        "ann: may be leased again (a bug, mended)\n",
        "",
    )
    assert who_is_frozen(url) == []
    assert audit(capsys, "--thaw", "1", "--reason", "again") == (1, "", "clinx: ann is not frozen\n")
    assert audit(capsys, "--thaw", "bob", "--reason", "x")[0] == 1
