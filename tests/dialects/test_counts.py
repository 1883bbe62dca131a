from __future__ import annotations

import pytest

from clinx.dialects.counts import MAX_COUNT, count, larger, part, part_in
from clinx.domain.usage import Usage


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, 0),
        (0, 0),
        (7, 7),
        (MAX_COUNT, MAX_COUNT),
        (MAX_COUNT + 1, None),
        (-1, None),
        (True, None),
        (1.0, None),
        ("1", None),
    ],
)
def test_a_count_is_a_whole_number_that_can_be_true(value: object, expected: int | None) -> None:
    assert count(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(None, 0), (3, 3), (10, 10), (11, 0), (-1, 0), ("3", 0)])
def test_a_part_that_does_not_fit_is_none(value: object, expected: int) -> None:
    assert part(value, 10) == part_in({"cached": value}, "cached", 10) == expected


@pytest.mark.parametrize(
    ("kept", "report", "expected"),
    [
        (None, None, None),
        (None, Usage(input=3, call=1), Usage(input=3, call=1)),
        (Usage(input=3, call=1), None, Usage(input=3, call=1)),
        (Usage(input=3, output=5, call=1), Usage(input=3, output=9, call=1), Usage(input=3, output=9, call=1)),
        (Usage(input=3, call=1), Usage(output=9, call=1), Usage(input=3, output=9, call=1)),
        (Usage(input=3, output=9, call=1), Usage(input=8, output=1, call=1), Usage(input=8, output=9, call=1)),
    ],
)
def test_of_two_reports_each_half_is_taken_where_it_is_larger(
    kept: Usage | None, report: Usage | None, expected: Usage | None
) -> None:
    assert larger(kept, report) == expected
