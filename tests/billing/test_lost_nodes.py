from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clinx.billing import lost_nodes
from clinx.billing.lost_nodes import NodeNotLost
from clinx.domain.money import ZERO
from clinx.storage.database import Database
from support.database import make_caller
from support.treasury import Bank


async def test_a_silent_node_shows_with_what_it_has_leased(database: Database, tmp_path: Path) -> None:
    caller = await make_caller(database, balance="100")
    async with Bank(database, tmp_path) as bank:
        await bank.hold(caller, "1")
        now = datetime.now(UTC)

        assert await lost_nodes.lost(database, now) == []
        (silent,) = await lost_nodes.lost(database, now + timedelta(minutes=16))
        assert (silent.id, silent.host) == (bank.treasury.origin.node, "test")
        assert silent.unspent > ZERO


async def test_only_a_lost_node_is_retired(database: Database, tmp_path: Path) -> None:
    caller = await make_caller(database, balance="100")
    async with Bank(database, tmp_path) as bank:
        await bank.hold(caller, "1")
        node, now = bank.treasury.origin.node, datetime.now(UTC)
        with pytest.raises(NodeNotLost):
            await lost_nodes.retire(database, node, now)
        with pytest.raises(NodeNotLost):
            await lost_nodes.retire(database, "nobody", now + timedelta(minutes=16))

        retired = await lost_nodes.retire(database, node, now + timedelta(minutes=16))

        assert retired.leases == 1
        assert (await lost_nodes.lost(database, now + timedelta(minutes=16)))[0].unspent == ZERO
