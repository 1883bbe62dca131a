from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from clinx.domain.adjustment import Adjustment, AdjustmentState, Proposed
from clinx.domain.money import Amount

AT = datetime(2030, 1, 1, tzinfo=UTC)
MADE = Adjustment(
    1, Proposed(2, Amount(5), "sorry", 3, "user:ada", "3:key", AT, AT + timedelta(days=1)), AdjustmentState.PENDING
)


def test_a_proposal_that_waits_expires() -> None:
    assert MADE.state_at(AT + timedelta(days=1, microseconds=-1)) is AdjustmentState.PENDING
    assert MADE.state_at(AT + timedelta(days=1)) is AdjustmentState.EXPIRED


@pytest.mark.parametrize("state", [AdjustmentState.APPROVED, AdjustmentState.REJECTED])
def test_one_that_was_decided_does_not(state: AdjustmentState) -> None:
    assert replace(MADE, state=state).state_at(AT + timedelta(days=2)) is state
