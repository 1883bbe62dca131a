"""What was charged since an instant: where the sum of a budget begins that a process never heard of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from clinx.domain.money import Amount
from clinx.storage.codec import micros
from clinx.storage.database import Database
from clinx.storage.program import Value, json_rows

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose charges are summed: those of which everything holds that is given."""

    user_id: int | None = None
    token_id: int | None = None
    """Found fast when its user is given too."""
    group: str | None = None
    model: str | None = None

    def condition(self) -> tuple[str, list[Value]]:
        """Return it as SQL that goes on behind ``$1``, and its values."""
        given = {"user_id": self.user_id, "token_id": self.token_id, '"group"': self.group, "model": self.model}
        wanted: dict[str, Value] = {name: value for name, value in given.items() if value is not None}
        return "".join(f" AND {name} = ${number}" for number, name in enumerate(wanted, 2)), list(wanted.values())


EVERYBODY: Final = Whose()

_SUM: Final = "SELECT CAST(COALESCE(SUM(charge), 0) AS bigint) FROM {table} WHERE {column} >= $1"


async def spent(
    database: Database, since: datetime, whose: Whose = EVERYBODY, *, logs: Database | None = None
) -> Amount:
    """Sum charges since an instant; from midnight on (UTC) they are the ledger's daily sums, else those of the log.

    Args:
        database: where charges are written.
        since: the instant.
        whose: whose charges.
        logs: where request logs are moved to, if that is another database.

    Raises:
        StorageUnavailable: a database cannot be read now.
    """
    days, rest = divmod(since - _EPOCH, timedelta(days=1))
    if not rest:
        return Amount(await _sum(database, "spend", "day", days, whose))
    if logs is None or logs is database:
        return Amount(await _sum(database, "request_log", "at", micros(since), whose))
    return Amount(await _in_both(database, logs, micros(since), whose))


async def _sum(database: Database, table: str, column: str, first: int, whose: Whose) -> int:
    condition, values = whose.condition()
    rows = await database.fetch(_SUM.format(table=table, column=column) + condition, first, *values)
    return int(rows[0][0])


async def _in_both(database: Database, logs: Database, first: int, whose: Whose) -> int:
    """Sum what waits to be moved, then what was moved: a log that is read here is left out there."""
    condition, values = whose.condition()
    here = await database.fetch(
        f"SELECT id, charge FROM request_log WHERE at >= $1{condition} AND charge <> 0",  # noqa: S608  (constants)
        first,
        *values,
    )
    others = f" AND id NOT IN (SELECT value ->> 0 FROM json_array_elements(${len(values) + 2}))"  # noqa: S608  (a number)
    there = await logs.fetch(
        _SUM.format(table="request_log", column="at") + condition + others,
        first,
        *values,
        json_rows((row[0],) for row in here),
    )
    return sum(row[1] for row in here) + int(there[0][0])
