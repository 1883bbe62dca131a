from __future__ import annotations

import pytest

from clinx.dialects.base import Envelope
from clinx.dialects.body import JsonBody
from clinx.dialects.bounds import is_within, rebound
from clinx.domain.operation import Operation


def asking(most: int | None) -> Envelope:
    return Envelope("d", Operation.CHAT, "m", False, JsonBody.parse(b'{"model":"m","most":9}'), most, 1, 0, False)


@pytest.mark.parametrize(("most", "within"), [(None, False), (41, False), (40, True), (1, True)])
def test_a_request_is_within_a_bound_if_it_says_so(most: int | None, *, within: bool) -> None:
    assert is_within(asking(most), 40) is within


def test_an_answer_of_nothing_is_none() -> None:
    with pytest.raises(ValueError, match="at least one token"):
        is_within(asking(None), 0)


def test_a_bound_is_written_and_known() -> None:
    bounded = rebound(asking(None), 5, {"most": b"5"})

    assert (bounded.body.data, bounded.max_output_tokens) == (b'{"model":"m","most":5}', 5)
