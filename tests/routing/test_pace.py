from __future__ import annotations

import pytest

from clinx.routing.pace import DECAY, Pace


def test_nothing_is_known_at_first() -> None:
    assert Pace().seconds(100.0) == 0.0


def test_a_slower_answer_counts_at_once_and_a_faster_one_slowly() -> None:
    pace = Pace()

    pace.sample(1.0, 0.0)
    pace.sample(5.0, 0.0)
    peak = pace.seconds(0.0)
    pace.sample(1.0, 1.0)

    assert peak == 5.0
    assert 4.0 < pace.seconds(1.0) < 5.0


def test_what_nobody_asked_for_a_while_is_forgotten() -> None:
    pace = Pace()

    pace.sample(9.0, 0.0)

    assert pace.seconds(DECAY) == pytest.approx(9.0 / 2.718281828, rel=1e-6)
    assert pace.seconds(20 * DECAY) < 0.001
