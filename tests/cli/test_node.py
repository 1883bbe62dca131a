import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clinx.accounts import users
from clinx.billing import statement
from clinx.cli import main
from clinx.domain.ledger import Balance
from clinx.domain.money import ZERO, Amount
from clinx.storage.database import Database
from clinx.storage.migrate import migrate
from support.database import make_caller
from support.treasury import Bank


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path / 'clinx.db'}"
    monkeypatch.setenv("CLINX_DATABASE_URL", url)
    return url


async def lose_a_node(url: str, folder: Path, *, minutes: int) -> str:
    """Leave behind a node with money leased, last seen some minutes ago."""
    await migrate(url)
    database = await Database.connect(url)
    try:
        caller = await make_caller(database, balance="100")
        bank = Bank(database, folder)
        treasury = await bank.begin()
        await bank.hold(caller, "1")
        seen = int((datetime.now(UTC) - timedelta(minutes=minutes)).timestamp() * 1_000_000)
        stored = await database.fetch("SELECT leased FROM account WHERE name = $1", caller.user.account)
        await bank.end()
        # As if the process had died: what its orderly end gave back is leased again.
        with database.reading() as client:
            await client.execute_query("UPDATE node SET seen_at = ?", [seen])
            await client.execute_query("UPDATE lease SET returned = 0, spent = 0")
            await client.execute_query("UPDATE account SET leased = ? WHERE name = ?", [stored[0][0], "user:1"])
        return treasury.origin.node
    finally:
        await database.close()


async def balance_of(url: str, name: str) -> Balance:
    database = await Database.connect(url)
    try:
        return await statement.balance(database, await users.find(database, name))
    finally:
        await database.close()


def test_a_lost_node_is_listed_and_given_up(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    node = asyncio.run(lose_a_node(url, tmp_path, minutes=16))

    assert main(["node", "list"]) == 0
    assert node in capsys.readouterr().out
    assert main(["node", "retire", node]) == 0
    assert capsys.readouterr().out.startswith(f"retired {node}: 1 leases returned")
    assert asyncio.run(balance_of(url, "ann")) == Balance(Amount.parse("100"), ZERO, ZERO)


def test_a_node_that_lives_is_not_given_up(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    node = asyncio.run(lose_a_node(url, tmp_path, minutes=14))

    assert main(["node", "retire", node]) == 1
    assert "silent for 15 minutes" in capsys.readouterr().err
    assert asyncio.run(balance_of(url, "ann")).leased > ZERO
