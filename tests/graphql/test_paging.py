import base64
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinx.graphql.errors import Refusal
from clinx.graphql.paging import COUNTED, MOST, Cursors, checked, page, uncounted

KEY = b"k" * 32
CURSORS = Cursors(KEY, "users")


def code(caught: pytest.ExceptionInfo[Refusal]) -> str:
    assert caught.value.extensions is not None
    return caught.value.extensions["code"]


@given(st.tuples(st.integers(-(2**63), 2**63 - 1), st.text(st.characters(exclude_categories=["Cs"]), max_size=50)))
def test_a_cursor_leads_back_to_its_keyset(keyset: tuple[int, str]) -> None:
    assert CURSORS.read(CURSORS.write(keyset), int, str) == keyset


def test_no_cursor_is_the_beginning() -> None:
    assert CURSORS.read(None, int) is None


@given(st.integers(0, 7), st.integers(0, 200))
def test_a_cursor_that_was_changed_is_refused(bit: int, place: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(CURSORS.write((5, "ann")) + "=="))
    raw[place % len(raw)] ^= 1 << bit
    changed = base64.urlsafe_b64encode(raw).decode().rstrip("=")

    with pytest.raises(Refusal) as caught:
        CURSORS.read(changed, int, str)

    assert code(caught) == "invalid_cursor"


@pytest.mark.parametrize(
    "cursor",
    [
        pytest.param(Cursors(KEY, "tokens").write((5,)), id="of another list"),
        pytest.param(Cursors(b"x" * 32, "users").write((5,)), id="of another gateway"),
        pytest.param(CURSORS.write(("5",)), id="of another order"),
        pytest.param(CURSORS.write((5, 5)), id="of another length"),
        pytest.param("", id="nothing"),
        pytest.param("x" * 2000, id="too long"),
        pytest.param("\N{SNOWMAN}", id="no ASCII"),
        pytest.param(base64.urlsafe_b64encode(msgspec.json.encode([5])).decode(), id="without a signature"),
    ],
)
def test_a_cursor_that_was_not_made_for_this_list_is_refused(cursor: str) -> None:
    with pytest.raises(Refusal) as caught:
        CURSORS.read(cursor, int)

    assert code(caught) == "invalid_cursor"


@pytest.mark.parametrize(("first", "most"), [(1, MOST), (MOST, MOST), (200, 200)])
def test_a_page_may_be_as_large_as_that(first: int, most: int) -> None:
    assert checked(first, most) == first


@pytest.mark.parametrize(
    ("first", "said"), [(0, "invalid_value"), (-1, "invalid_value"), (101, "page_too_large"), (2**31, "page_too_large")]
)
def test_and_no_larger(first: int, said: str) -> None:
    with pytest.raises(Refusal) as caught:
        checked(first)

    assert code(caught) == said


def paged(found: Sequence[int], first: int, after: str | None = None):
    return page(found, first, str, CURSORS, lambda each: (each,), after=after, count=uncounted)


def test_one_more_than_was_wanted_says_that_there_is_a_next_page() -> None:
    found = paged([7, 8, 9], 2)

    assert [edge.node for edge in found.edges] == ["7", "8"]
    assert [CURSORS.read(edge.cursor, int) for edge in found.edges] == [(7,), (8,)]
    info = found.page_info
    assert (info.has_next_page, info.has_previous_page) == (True, False)
    assert (info.start_cursor, info.end_cursor) == (found.edges[0].cursor, found.edges[1].cursor)


def test_the_last_page_and_an_empty_one() -> None:
    last, empty = paged([9], 2, after="x"), paged([], 2)

    assert (last.page_info.has_next_page, last.page_info.has_previous_page) == (False, True)
    assert (empty.edges, empty.page_info.start_cursor, empty.page_info.end_cursor) == ([], None, None)


@pytest.mark.parametrize(
    ("there", "value", "capped"), [(0, 0, False), (COUNTED, COUNTED, False), (COUNTED + 1, COUNTED, True)]
)
async def test_what_is_counted_is_counted_up_to_a_limit(there: int, value: int, capped: bool) -> None:
    async def count() -> int:
        return there

    found = page([1], 1, str, CURSORS, lambda each: (each,), after=None, count=count)

    counted = await found.total_count()
    assert (counted.value, counted.capped) == (value, capped)
