import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from clinx.domain.money import Amount
from clinx.domain.request_log import RequestLog
from support.database import request_log


def test_a_log_is_a_value():
    assert request_log("req-1") == request_log("req-1")
    with pytest.raises(AttributeError):
        request_log("req-1").id = "req-2"  # pyright: ignore[reportAttributeAccessIssue]  (that is the point)


def test_a_log_has_no_room_for_prompts_or_secrets():
    names = set(RequestLog.__struct_fields__)
    assert not names & {"prompt", "body", "messages", "secret", "key", "headers"}


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_a_margin_is_the_charge_less_the_cost(charge: int, cost: int):
    log = replace(request_log("req-1", charge=Amount(charge)), cost=Amount(cost))

    assert log.margin == Amount(charge - cost)


def test_where_the_cost_is_not_known_there_is_no_margin():
    log = request_log("req-1", charge=Amount(5))

    assert (log.cost, log.margin) == (None, None)
