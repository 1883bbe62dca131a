"""Tokens: issue, restrict, disable, delete."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from clinx.accounts import secret as secrets
from clinx.accounts.failures import AccountError, NotFound, TokenInvalid, VersionConflict
from clinx.accounts.faults import Faults
from clinx.accounts.users import check_group
from clinx.domain.identity import Network, Status, Token, User
from clinx.domain.money import ZERO, Amount
from clinx.storage import tokens
from clinx.storage.announcements import Topic, announce
from clinx.storage.database import Database
from clinx.storage.program import Program
from clinx.storage.tokens import StoredToken

_LONGEST_NAME = 64
_LONGEST_REFERENCE = 16
_MOST_ITEMS = 1000


@dataclass(frozen=True, slots=True)
class Limits:
    """What a token is restricted to; everything left out is unrestricted."""

    expires_at: datetime | None = None
    models: frozenset[str] = frozenset()
    group: str | None = None
    networks: tuple[Network, ...] = ()
    budget: Amount | None = None
    tags: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token, with its secret: the only time anybody sees it."""

    token: Token
    secret: str = field(repr=False)


async def issue(
    database: Database, user: User, name: str = "default", *, at: datetime, limits: Limits | None = None
) -> Issued:
    """Issue a token to a user.

    Raises:
        TokenInvalid: a limit makes no sense: already expired, a negative budget, a name too long.
    """
    limits = limits or Limits()
    check(name, limits, at)
    secret = secrets.generate()
    token = Token(
        id=0,
        user_id=user.id,
        name=name,
        hint=secrets.hint(secret),
        status=Status.ACTIVE,
        expires_at=limits.expires_at,
        models=limits.models,
        group=limits.group,
        networks=limits.networks,
        budget=limits.budget,
        tags=limits.tags,
        created_at=at,
    )
    return Issued(await database.atomically(tokens.insert(token, secrets.digest(secret))), secret)


async def restrict(
    database: Database, token: Token, limits: Limits, *, at: datetime, expected: int | None = None
) -> Token:
    """Replace a token's limits as a whole, if it is still of the expected version.

    Raises:
        TokenInvalid: a limit makes no sense.
        VersionConflict: somebody changed the token since.
        NotFound: it is gone.
    """
    check(token.name, limits, at)
    return await _write(
        database,
        replace(
            token,
            expires_at=limits.expires_at,
            models=limits.models,
            group=limits.group,
            networks=limits.networks,
            budget=limits.budget,
            tags=limits.tags,
        ),
        at,
        expected,
    )


async def rename(database: Database, token: Token, name: str, *, at: datetime, expected: int | None = None) -> Token:
    """Give a token another name, if it is still of the expected version.

    Raises:
        TokenInvalid: it is not a name.
        VersionConflict: somebody changed the token since.
        NotFound: it is gone.
    """
    check(name, Limits(), at)
    return await _write(database, replace(token, name=name), at, expected)


async def disable(
    database: Database, token: Token, *, at: datetime, expected: int | None = None, by_owner: bool = False
) -> Token:
    """Revoke a token: every process hears of it, and nothing more is lent or held for it.

    Unless its owner does so, it is stopped: whoever lets owners enable tokens asks for that first.

    Raises:
        VersionConflict: it is not of the expected version any more.
        NotFound: it is gone.
    """
    disabled = replace(token, status=Status.DISABLED, stopped=token.stopped or not by_owner)
    return await _write(database, disabled, at, expected)


async def enable(database: Database, token: Token, *, at: datetime, expected: int | None = None) -> Token:
    """Take a revocation back.

    Raises:
        VersionConflict: it is not of the expected version any more.
        NotFound: it is gone.
    """
    return await _write(database, replace(token, status=Status.ACTIVE, stopped=False), at, expected)


async def rotate(database: Database, token: Token, *, at: datetime) -> Issued:
    """Give a token another secret: the one of before is nothing any more, limits and what was spent stay.

    Raises:
        NotFound: it is gone.
    """
    secret = secrets.generate()
    change = tokens.rotate(token.id, secrets.digest(secret), secrets.hint(secret))
    version = await database.atomically(_announced(change, token, at))
    if version is None:
        raise _gone(token)
    return Issued(replace(token, hint=secrets.hint(secret), version=version), secret)


async def delete(database: Database, token: Token, *, at: datetime) -> None:
    """Remove a token for good; what it spent stays in the ledger.

    Raises:
        NotFound: it is gone already.
    """
    if await database.atomically(_announced(_deleted(token), token, at)) is None:
        raise _gone(token)


def _deleted(token: Token) -> Program[int | None]:
    return token.version if (yield from tokens.delete(token.id)) else None


async def of_user(database: Database, user: User) -> list[Token]:
    """Return a user's tokens, oldest first."""
    return await tokens.of_user(database, user.id)


async def find(database: Database, reference: str) -> StoredToken:
    """Return the token that an id or a hint (``sk-ab…wxyz``) means.

    Raises:
        AccountError: none, or several.
    """
    matches = await _matches(database, reference)
    if not matches:
        raise NotFound(f"there is no token {reference!r}; `clinx token list USER` shows ids and hints")
    if len(matches) > 1:
        raise AccountError(f"several tokens look like {reference!r}: use the id")
    return matches[0]


async def _matches(database: Database, reference: str) -> list[StoredToken]:
    if len(reference) > _LONGEST_REFERENCE:
        return []
    if reference.isascii() and reference.isdigit():
        found = await tokens.get(database, int(reference))
        return [found] if found else []
    return await tokens.find_by_hint(database, reference.replace("...", "…"))


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read addresses and CIDR ranges.

    Raises:
        AccountError: one is neither; ``10.0.0.1/8`` is refused too, for it says two things.
    """
    found: list[Network] = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text.strip()))
        except ValueError as error:
            raise TokenInvalid(f"not an address or a CIDR range: {text!r} ({error})", what="networks") from error
    return tuple(found)


async def _write(database: Database, token: Token, at: datetime, expected: int | None) -> Token:
    version = await database.atomically(_announced(tokens.update(token, expected=expected), token, at))
    if version is not None:
        return replace(token, version=version)
    if expected is not None and await tokens.get(database, token.id) is not None:
        raise VersionConflict(f"the token {token.id} was changed since version {expected}", expected=expected)
    raise _gone(token)


def _announced(change: Program[int | None], token: Token, at: datetime) -> Program[int | None]:
    version = yield from change
    if version is not None:
        yield from announce(Topic.TOKEN, str(token.id), at)
    return version


def _gone(token: Token) -> NotFound:
    return NotFound(f"there is no token {token.id} any more")


def check(name: str, limits: Limits, at: datetime) -> None:
    """Let pass what makes sense for a token.

    Raises:
        TokenInvalid: a limit or the name does not; `Several`, if more than one.
        GroupInvalid: the group is not a name.
    """
    faults = Faults()
    for what, is_good, said in _told(name, limits, at):
        if not is_good:
            faults.found.append(TokenInvalid(said, what=what))
    if limits.group is not None:
        faults.judged(partial(check_group, limits.group), "")
    faults.refuse()


def _told(name: str, limits: Limits, at: datetime) -> Iterator[tuple[str, bool, str]]:
    """Yield what is looked at, whether it makes sense, and what is said if it does not."""
    is_name = name.isprintable() and 1 <= len(name) <= _LONGEST_NAME
    yield "name", is_name, f"a token's name has 1 to {_LONGEST_NAME} printable characters"
    is_to_come = limits.expires_at is None or limits.expires_at > at
    yield "expires_at", is_to_come, "a token may not expire before it is issued"
    yield "budget", limits.budget is None or limits.budget >= ZERO, "a budget is not negative"
    for what, items in (("models", limits.models), ("networks", limits.networks), ("tags", limits.tags)):
        yield what, len(items) <= _MOST_ITEMS, f"at most {_MOST_ITEMS} {what}"
