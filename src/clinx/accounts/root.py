"""The first user: without one nobody could sign in and make others."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from clinx.accounts.password_changes import draw
from clinx.accounts.passwords import Passwords
from clinx.domain.identity import Role
from clinx.storage import passwords as hashes
from clinx.storage import users
from clinx.storage.database import Database
from clinx.storage.failures import StorageRefused
from clinx.storage.program import Program
from clinx.storage.users import NewUser

NAME: Final = "root"


async def ensure_root(database: Database, now: datetime) -> str | None:
    """Make the user ``root`` if nobody has that role; return its random password, which nobody sees again.

    None: somebody has the role, another process was faster, or the name is an ordinary user's (`clinx user set` makes
    a root of one).

    Raises:
        StorageUnavailable: the database cannot be used now.
    """
    if await users.has_root(database):
        return None
    password = draw()
    hash_ = await Passwords(database).hash(password)
    try:
        await database.atomically(_made(hash_, now))
    except StorageRefused:
        return None
    return password


def _made(hash_: str, now: datetime) -> Program[None]:
    user = yield from users.insert(NewUser(NAME, Role.ROOT, "default", now))
    yield from hashes.save(user.id, hash_, now)
