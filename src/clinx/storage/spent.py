"""What was charged since an instant: where the sum of a budget begins that a process never heard of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from clinx.domain.money import Amount
from clinx.storage.codec import micros
from clinx.storage.database import Database

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS: Final = {"user_id": "user_id", "token_id": "token_id", "group": '"group"', "model": "model"}


async def spent(
    database: Database,
    since: datetime,
    *,
    user_id: int | None = None,
    token_id: int | None = None,
    group: str | None = None,
    model: str | None = None,
) -> Amount:
    """Sum charges since an instant; from midnight on (UTC) they are the ledger's daily sums, else those of the log.

    A token's are found fast when its user is named too.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    given = {"user_id": user_id, "token_id": token_id, "group": group, "model": model}
    wanted = {_COLUMNS[name]: value for name, value in given.items() if value is not None}
    days, rest = divmod(since - _EPOCH, timedelta(days=1))
    table, column, first = ("request_log", "at", micros(since)) if rest else ("spend", "day", days)
    rows = await database.fetch(
        f"SELECT CAST(COALESCE(SUM(charge), 0) AS bigint) FROM {table} WHERE {column} >= $1"  # noqa: S608  (constants)
        + "".join(f" AND {name} = ${number}" for number, name in enumerate(wanted, 2)),
        first,
        *wanted.values(),
    )
    return Amount(int(rows[0][0]))
