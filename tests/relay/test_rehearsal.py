from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

import pytest

from clinx.config.snapshot import Snapshot
from clinx.dialects.body import JsonBody
from clinx.domain.operation import Operation
from clinx.domain.receipt import Receipt
from clinx.domain.usage import Unit, Usage
from clinx.relay.rehearsal import NO_TOKEN, NOBODY, Case, Fixed, rehearse
from support.rehearsals import BEFORE, served

NIGHT = datetime(2026, 1, 1, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return served(tmp_path_factory.mktemp("tree"), BEFORE).snapshot


def in_group(name: str) -> Case:
    return Case("small", token=replace(NO_TOKEN, group=name))


def channels(snapshot: Snapshot, case: Case, draw: float = 0.0) -> list[str]:
    return [each.channel.name for each in rehearse(snapshot, case, Fixed(draw)).candidates]


def test_rules_are_judged_and_what_they_make_of_a_request_is_planned_and_priced(snapshot: Snapshot) -> None:
    case = Case("small-high", at=NIGHT, body=JsonBody.parse(b'{"model":"small-high","n":1}'))

    it = rehearse(snapshot, case)

    assert [rule.name for rule in it.verdict.rules] == ["effort", "rate", "night"]
    assert it.model == "small"
    assert it.body.data == b'{"model":"small","n":1,"effort":"high"}'
    assert [each.channel.name for each in it.candidates] == ["one", "two"]
    assert it.multiplier == Fraction(1, 2)
    quote = it.quote(Usage(input=2_000_000, output=1_000_000))
    assert quote is not None
    assert str(quote.total) == "2"
    receipt = it.receipt(Usage(input=2_000_000, output=1_000_000))
    assert receipt == Receipt(quote.lines, it.factors, quote.total)
    assert receipt is not None
    assert receipt.is_whole


def test_the_draw_decides_between_equals_and_at_0_they_stand_as_in_the_tree(snapshot: Snapshot) -> None:
    assert channels(snapshot, Case("small")) == ["one", "two"]
    assert channels(snapshot, Case("small"), 0.99) == ["two", "one"]


def test_a_group_of_groups_is_served_through_the_first_that_offers_the_model(snapshot: Snapshot) -> None:
    it = rehearse(snapshot, in_group("auto"))

    assert it.candidates[0].group.name == "vip"
    assert it.multiplier == Fraction(1, 2)


@pytest.mark.parametrize(
    ("case", "code"),
    [
        (Case("smal"), "model_not_found"),
        (Case("any-*"), "model_not_found"),
        (in_group("nowhere"), "permission_denied"),
        (Case("small", token=replace(NO_TOKEN, models=frozenset({"large"}))), "model_not_allowed"),
        (Case("small", user=replace(NOBODY, name="mallory")), "policy_refused"),
        (Case("small", operation=Operation.STORED, dialect="openai_responses"), "invalid_request"),
    ],
)
def test_what_would_be_refused_is_refused_here_with_the_same_code(snapshot: Snapshot, case: Case, code: str) -> None:
    it = rehearse(snapshot, case)

    assert it.refusal is not None
    assert it.refusal.code == code
    assert it.candidates == ()


def test_a_price_sees_the_body_after_the_rules(snapshot: Snapshot) -> None:
    it = rehearse(snapshot, Case("any-thing", body=JsonBody.parse(b'{"n":2}')))

    rates = it.rates(Usage(call=1))
    assert rates is not None
    rate = rates.rate(Unit.CALL)
    assert rate is not None
    assert rate.amount == Fraction(2, 100)


def test_counting_tokens_needs_no_channel(snapshot: Snapshot) -> None:
    it = rehearse(snapshot, Case("small", operation=Operation.COUNT_TOKENS, dialect="gemini"))

    assert it.refusal is None
