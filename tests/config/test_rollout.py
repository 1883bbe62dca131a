from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinx.config.rollout import Contest, Figures, Result, Rollout, Verdict, decide, reason, result
from clinx.errors import (
    BillingUnavailable,
    ClientGone,
    GatewayError,
    InternalError,
    InvalidRequest,
    NoChannel,
    ShuttingDown,
    UpstreamBroken,
    UpstreamRefused,
)

RULE = Rollout(share=0.1, seconds=600, max_errors=0.02, minimum=100)


@pytest.mark.parametrize(
    ("new", "old", "seconds", "verdict"),
    [
        (Figures(0, 0), Figures(0, 0), 599, Verdict.GOES_ON),
        (Figures(0, 0), Figures(0, 0), 600, Verdict.PROMOTED),
        (Figures(99, 99), Figures(900, 0), 599, Verdict.GOES_ON),  # too few to mean anything
        (Figures(100, 2), Figures(900, 0), 599, Verdict.GOES_ON),
        (Figures(100, 3), Figures(900, 0), 599, Verdict.REJECTED),
        (Figures(100, 3), Figures(900, 0), 600, Verdict.REJECTED),
        (Figures(100, 12), Figures(900, 90), 599, Verdict.GOES_ON),  # the old one fails as well
        (Figures(100, 13), Figures(900, 90), 599, Verdict.REJECTED),
        (Figures(100, 100), Figures(0, 0), 1, Verdict.REJECTED),
    ],
)
def test_a_trial_ends_by_its_figures_or_by_its_time(
    new: Figures, old: Figures, seconds: float, verdict: Verdict
) -> None:
    assert decide(RULE, Contest(new, old), seconds) is verdict


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, Result.SERVED),
        (InvalidRequest("x"), Result.SILENT),
        (UpstreamRefused("x", upstream_status=400, body=b"", content_type=""), Result.SILENT),
        (ClientGone("x"), Result.SILENT),
        (ShuttingDown("x"), Result.SILENT),
        (UpstreamBroken("x"), Result.FAILED),
        (NoChannel("x"), Result.FAILED),
        (BillingUnavailable("x"), Result.FAILED),
        (InternalError("x"), Result.FAILED),
    ],
)
def test_only_the_faults_of_the_gateway_and_its_upstreams_count(error: GatewayError | None, expected: Result) -> None:
    assert result(error) is expected


def test_silent_calls_are_no_calls() -> None:
    figures = Figures()
    for each in (Result.SERVED, Result.SILENT, Result.FAILED, Result.SILENT):
        figures.count(each)

    assert (figures.calls, figures.failures, figures.rate) == (2, 1, 0.5)


def test_a_rejection_says_its_figures() -> None:
    assert reason(Contest(Figures(100, 13), Figures(900, 90))) == (
        "13 of 100 calls failed (13.0%); before it 10.0% of 900"
    )


@pytest.mark.parametrize(
    ("rollout", "shown"),
    [(RULE, "10%"), (Rollout(group="beta"), "group beta"), (Rollout(0.005, "beta"), "0.5% and group beta")],
)
def test_who_gets_it_is_said_in_words(rollout: Rollout, shown: str) -> None:
    assert rollout.shown == shown


def test_a_share_of_the_keys_is_drawn_and_every_revision_draws_anew() -> None:
    keys = [f"sk-{number}" for number in range(5000)]
    first = {key for key in keys if RULE.draws("r1", key)}
    second = {key for key in keys if RULE.draws("r2", key)}

    assert 400 < len(first) < 600
    assert 400 < len(second) < 600
    assert len(first & second) < 100


@given(st.text(), st.floats(0.001, 0.5))
def test_a_key_stays_on_its_side_and_a_larger_share_keeps_the_smaller_one(key: str, share: float) -> None:
    assert Rollout(share).draws("r", key) == Rollout(share).draws("r", key)
    assert not Rollout(share).draws("r", key) or Rollout(share * 2).draws("r", key)
    assert Rollout(1.0).draws("r", key)
    assert not Rollout().draws("r", key)
