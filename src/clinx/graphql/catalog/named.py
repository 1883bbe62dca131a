"""Pages of what the tree or this process holds in memory, in the order of their names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from clinx.graphql.context import Context
from clinx.graphql.paging import Connection, Cursors, checked, page

T = TypeVar("T")
N = TypeVar("N")


def by_name(  # noqa: PLR0913  (a page is made of these)
    context: Context,
    found: Sequence[T],
    *,
    kind: str,
    name: Callable[[T], str],
    node: Callable[[T], N],
    first: int,
    after: str | None,
) -> Connection[N]:
    """Return a page of what was found, which is all there is; ``kind`` names the list in cursors.

    Raises:
        Refusal: ``invalid_cursor``, ``page_too_large`` or ``invalid_value``.
    """
    cursors = Cursors(context.services.keys.cursors, kind)
    wanted, place = checked(first), cursors.read(after, str)
    ordered = sorted(found, key=name)
    left = ordered if place is None else [each for each in ordered if name(each) > place[0]]

    async def count() -> int:
        return len(ordered)

    return page(
        left[: wanted + 1],
        wanted,
        node,
        cursors,
        lambda each: (name(each),),
        after=after,
        count=count,
    )
