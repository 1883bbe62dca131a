from datetime import datetime, timedelta

import pytest

from clinx.domain.override import LONGEST, Aspect, Override, may_end
from support.database import START


@pytest.mark.parametrize(
    ("aspect", "value", "shown"),
    [
        (Aspect.DISABLED, 1, "channels.main.disabled=true"),
        (Aspect.DISABLED, 0, "channels.main.disabled=false"),
        (Aspect.WEIGHT, 0, "channels.main.weight=0"),
        (Aspect.PRIORITY, -3, "channels.main.priority=-3"),
    ],
)
def test_it_is_shown_as_it_is_typed(aspect: Aspect, value: int, shown: str) -> None:
    assert Override("main", aspect, value, "why", "ann", START, START).shown == shown


def test_it_is_over_at_its_instant_and_not_before() -> None:
    override = Override("main", Aspect.WEIGHT, 1, "why", "ann", START, START + timedelta(hours=1))

    assert not override.is_over(START + timedelta(minutes=59))
    assert override.is_over(START + timedelta(hours=1))


@pytest.mark.parametrize(
    ("until", "may"),
    [(START, False), (START + timedelta(seconds=1), True), (START + LONGEST, True), (START + 2 * LONGEST, False)],
    ids=["now", "soon", "longest", "longer"],
)
def test_it_may_not_last_for_long(until: datetime, may: bool) -> None:
    assert may_end(until, START) is may
