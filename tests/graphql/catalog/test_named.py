from __future__ import annotations

import pytest

from clinx.graphql.catalog.named import by_name
from clinx.graphql.errors import Refusal
from support.station import Station

NAMES = ["c", "a", "b"]


async def test_pages_follow_the_names(station: Station) -> None:
    context = station.context()

    def page(after: str | None):
        return by_name(context, NAMES, kind="letters", name=str, node=str.upper, first=2, after=after)

    first = page(None)
    second = page(first.page_info.end_cursor)

    assert [[edge.node for edge in each.edges] for each in (first, second)] == [["A", "B"], ["C"]]
    assert [each.page_info.has_next_page for each in (first, second)] == [True, False]
    assert [await each.counting() for each in (first, second)] == [3, 3]


async def test_a_cursor_of_another_list_is_refused(station: Station) -> None:
    context = station.context()
    found = by_name(context, NAMES, kind="letters", name=str, node=str, first=1, after=None)

    with pytest.raises(Refusal) as refused:
        by_name(context, NAMES, kind="others", name=str, node=str, first=1, after=found.page_info.end_cursor)

    assert refused.value.extensions == {"code": "invalid_cursor"}
