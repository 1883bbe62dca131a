from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clinx.domain.operation import Operation
from clinx.errors import ModelNotAllowed, PolicyRefused
from clinx.policies.allow import is_within, refusal
from clinx.policies.rule import Allow, Rule
from support.policies import THURSDAY, facts


def refused(allow: Allow, model: str = "small", **changes: Any) -> str | None:
    error = refusal(Rule("office", allow, "allow"), allow, facts(model="asked", **changes), model)
    return None if error is None else f"{error.code}: {error.message}"


def test_a_list_that_is_absent_says_nothing() -> None:
    assert refused(Allow()) is None


def test_a_model_passes_by_the_name_that_was_asked_for_or_the_one_that_is_served() -> None:
    assert refused(Allow(models=frozenset({"small"}))) is None
    assert refused(Allow(models=frozenset({"asked"}))) is None
    assert refused(Allow(models=frozenset({"other"}))) == (
        "model_not_allowed: The model 'asked' is not allowed by the rule 'office'."
    )


def test_where_no_model_is_named_none_is_refused() -> None:
    allow = Allow(models=frozenset({"small"}))

    assert refusal(Rule("r", allow, "allow"), allow, facts(model=""), "") is None


def test_operations_and_addresses_are_checked() -> None:
    network = (ip_network("10.0.0.0/8"),)

    assert refused(Allow(operations=frozenset({Operation.CHAT}))) is None
    assert refused(Allow(operations=frozenset({Operation.EMBED}))) == (
        "policy_refused: The rule 'office' does not allow this operation."
    )
    assert refused(Allow(networks=network)) is None
    assert refused(Allow(networks=network), address="192.168.1.1") == (
        "policy_refused: The rule 'office' does not allow calls from this address."
    )
    assert refused(Allow(networks=network, message="Stay home."), address=None) == "policy_refused: Stay home."


@pytest.mark.parametrize(
    ("hours", "hour", "is_open"),
    [
        ((9 * 60, 18 * 60), 9, True),
        ((9 * 60, 18 * 60), 8, False),
        ((9 * 60, 18 * 60), 18, False),
        ((22 * 60, 6 * 60), 23, True),
        ((22 * 60, 6 * 60), 5, True),
        ((22 * 60, 6 * 60), 6, False),
    ],
)
def test_hours_are_open_from_their_first_minute_until_before_their_last(
    hours: tuple[int, int], hour: int, *, is_open: bool
) -> None:
    at = THURSDAY.replace(hour=hour)

    assert (refused(Allow(hours=hours), at=at) is None) == is_open


def test_days_and_hours_are_those_of_the_operator_s_clock() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    late = THURSDAY + timedelta(hours=11, minutes=30)  # 00:30 on Friday in Berlin.
    thursdays, early = Allow(days=frozenset({"thu"})), Allow(hours=(0, 60))

    assert (refused(thursdays, at=late), refused(early, at=late, zone=berlin)) == (None, None)
    assert (
        refused(thursdays, at=late, zone=berlin)
        == "policy_refused: The rule 'office' does not allow calls at this time."
    )


@pytest.mark.parametrize(
    ("address", "within"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("11.0.0.1", False),
        ("::1", False),
        ("nonsense", False),
        (None, False),
    ],
)
def test_an_address_is_within_a_range_or_not(address: str | None, *, within: bool) -> None:
    assert is_within(address, (ip_network("10.0.0.0/8"),)) is within


def test_the_kinds_of_refusal_differ() -> None:
    models, hours = Allow(models=frozenset({"x"})), Allow(days=frozenset({"mon"}))

    assert isinstance(refusal(Rule("r", models, "allow"), models, facts(), "small"), ModelNotAllowed)
    assert isinstance(refusal(Rule("r", hours, "allow"), hours, facts(), "small"), PolicyRefused)
