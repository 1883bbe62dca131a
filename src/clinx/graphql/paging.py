"""Relay connections over keysets: a page after a signed cursor, never an offset."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import msgspec
import strawberry

from clinx.graphql.errors import Refusal

N = TypeVar("N")
T = TypeVar("T")

MOST: Final = 100
"""Objects on a page, at most; of request logs 200."""
COUNTED: Final = 10_000
"""How far anything is counted."""

_SIGNATURE: Final = 16
_LONGEST: Final = 1024
Keyset = tuple[int | str, ...]


@strawberry.type(description="Where a page stands in the whole.")
class PageInfo:
    """Relay's page info; pages go forward."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type(description="How many there are, as far as anybody counts.")
class Count:
    """A capped count."""

    value: int
    capped: bool = strawberry.field(description="Whether there are more than `value`.")


@strawberry.type(description="An object, and where it stands.")
class Edge(Generic[N]):
    """Relay's edge."""

    cursor: str
    node: N


@strawberry.type(description="A page of objects.")
class Connection(Generic[N]):
    """Relay's connection."""

    edges: list[Edge[N]]
    page_info: PageInfo
    counting: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field(description="Counted only when it is asked for.")
    async def total_count(self) -> Count:
        """Count, up to `COUNTED`."""
        found = await self.counting()
        return Count(value=min(found, COUNTED), capped=found > COUNTED)


@dataclass(frozen=True, slots=True)
class Cursors:
    """Signs and reads the cursors of one connection: those of another, or of nobody, are refused."""

    key: bytes
    name: str

    def write(self, keyset: Keyset) -> str:
        """Return the cursor of an object."""
        body = msgspec.json.encode(keyset)
        return base64.urlsafe_b64encode(self._sign(body) + body).decode().rstrip("=")

    def read(self, cursor: str | None, *types: type) -> Any:
        """Return the keyset of a cursor; None without one.

        Raises:
            Refusal: ``invalid_cursor``: it was not made here, for this connection.
        """
        if cursor is None:
            return None
        try:
            if len(cursor) > _LONGEST:
                raise ValueError  # noqa: TRY301
            raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raise _forged() from None
        body = raw[_SIGNATURE:]
        if not hmac.compare_digest(raw[:_SIGNATURE], self._sign(body)):
            raise _forged()
        found = tuple(msgspec.json.decode(body))
        if tuple(map(type, found)) != types:
            raise _forged()
        return found

    def _sign(self, body: bytes) -> bytes:
        return hmac.digest(self.key, self.name.encode() + b"\0" + body, "sha256")[:_SIGNATURE]


def _forged() -> Refusal:
    return Refusal("That is not a cursor of this list.", "invalid_cursor")


def checked(first: int, most: int = MOST) -> int:
    """Return how many are wanted.

    Raises:
        Refusal: ``page_too_large``, or ``invalid_value`` below one.
    """
    if first < 1:
        raise Refusal("A page has at least one object.", "invalid_value", such_as="20")
    if first > most:
        raise Refusal(f"A page has at most {most} objects.", "page_too_large", most=most)
    return first


async def uncounted() -> int:
    """Count nothing: for lists that are whole."""
    return 0


def page(  # noqa: PLR0913  (a page is made of these)
    found: Sequence[T],
    first: int,
    node: Callable[[T], N],
    cursors: Cursors,
    keyset: Callable[[T], Keyset],
    *,
    after: str | None,
    count: Callable[[], Awaitable[int]],
) -> Connection[N]:
    """Return a page of what was found, which is one more than was wanted where there is a next page."""
    edges = [Edge(cursor=cursors.write(keyset(each)), node=node(each)) for each in found[:first]]
    return Connection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=len(found) > first,
            has_previous_page=after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        counting=count,
    )
