"""Many users at once by their ids, for readers who show them beside something else."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from clinx.domain.identity import User
from clinx.storage.database import Database
from clinx.storage.models import UserRow
from clinx.storage.users import to_user


async def users_by_ids(database: Database, ids: Collection[int]) -> Mapping[int, User]:
    """Return users by id; those that there are not are absent.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    if not ids:
        return {}
    with database.reading() as client:
        rows = await UserRow.filter(id__in=list(ids)).using_db(client)
    return {row.id: to_user(row) for row in rows}
