from __future__ import annotations

from typing import Any

import pytest

from clinx.config.diagnostics import Diagnostic
from clinx.config.document import DocumentReader
from clinx.config.nodes import Node
from clinx.config.policy_limits import compile_budget, compile_limit
from clinx.config.policy_schema import RuleShape
from clinx.domain.money import Amount
from clinx.policies.budget import BudgetRule, Per
from clinx.policies.limit import LimitRule, Measure
from clinx.policies.subject import Scope

ONE_OF = "a limit counts exactly one of requests, tokens, amount, concurrency"
ONLY_REQUESTS = "only requests can be counted by their outcome"


def compiled(verb: str, parameters: str) -> tuple[Any, list[str]]:
    """Compile one rule, written in flow style; return the value and what was found."""
    text = f"- name: few\n  {verb}: {parameters}\n"
    document = DocumentReader().read("policies/few.yaml", text.encode()).root
    assert document is not None
    rule = document.items[0]
    found: list[Diagnostic] = []
    node: Node = rule.map[verb]
    compile_rule = compile_limit if verb == "limit" else compile_budget
    value = compile_rule(RuleShape.model_validate(rule.plain()), node, found)
    return value, [f"{each.line}:{each.column} {each.code} {each.message}" for each in found]


def test_a_limit_slides_over_all_requests_of_a_user_unless_it_says_otherwise() -> None:
    rule, found = compiled("limit", "{requests: 60, per: 1m}")

    assert found == []
    assert rule == LimitRule("few", Measure.REQUESTS, 60, 60_000, place="policies/few.yaml:2:10")


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (
            "{requests: 9, per: 1d, window: fixed, of: [token, model], count: success, fail: closed, message: No.}",
            LimitRule(
                "few",
                Measure.REQUESTS,
                9,
                86_400_000,
                sliding=False,
                of=(Scope.TOKEN, Scope.MODEL),
                success_only=True,
                closed=True,
                message="No.",
            ),
        ),
        ("{tokens: 200k, per: 1m, of: group}", LimitRule("few", Measure.TOKENS, 200_000, 60_000, of=(Scope.GROUP,))),
        ('{amount: "1.50", per: 1h}', LimitRule("few", Measure.AMOUNT, 1_500_000_000, 3_600_000)),
        (
            "{requests: 6, per: 1m, of: [user, channel]}",
            LimitRule("few", Measure.REQUESTS, 6, 60_000, of=(Scope.USER, Scope.CHANNEL)),
        ),
        ("{concurrency: 4, of: address}", LimitRule("few", Measure.CONCURRENCY, 4, of=(Scope.ADDRESS,))),
    ],
)
def test_every_measure_has_its_unit(parameters: str, expected: LimitRule) -> None:
    rule, found = compiled("limit", parameters)

    assert found == []
    assert rule == LimitRule(**{**{f: getattr(expected, f) for f in expected.__struct_fields__}, "place": rule.place})


def test_a_budget_is_of_the_period_and_whoever_it_says() -> None:
    rule, found = compiled("budget", '{amount: "100", per: month, of: token, fail: open}')

    assert found == []
    assert rule == BudgetRule("few", Amount(100_000_000_000), Per.MONTH, (Scope.TOKEN,), place="policies/few.yaml:2:11")


@pytest.mark.parametrize(
    ("verb", "parameters", "finding"),
    [
        (
            "limit",
            "{per: 1m}",
            f"2:10 E302 {ONE_OF}: this one has none",
        ),
        (
            "limit",
            "{requests: 1, tokens: 5, per: 1m}",
            f"2:10 E303 {ONE_OF}: this one has requests and tokens",
        ),
        ("limit", "{requests: 60}", "2:10 E302 requests are counted in a window"),
        ("limit", "{concurrency: 6, per: 1m}", "2:27 E303 calls at a time have no window"),
        (
            "limit",
            "{tokens: 6, per: 1m, count: success}",
            f"2:38 E303 {ONLY_REQUESTS}, not tokens",
        ),
        ("limit", "{requests: 6, per: 1m, of: [user, user]}", "2:37 E303 a scope is named twice"),
        ("limit", '{amount: "9007200", per: 1m}', "2:19 E303 too large to be counted exactly: at most 9,007,199"),
        ("limit", '{amount: "0", per: 1m}', "2:19 E303 a limit of nothing lets nobody in"),
        ("budget", '{amount: "0", per: day}', "2:20 E303 a limit of nothing lets nobody in"),
        (
            "budget",
            '{amount: "1", per: day, of: [user, address]}',
            "2:39 E303 what was spent is kept by user, token, group, model, not by address",
        ),
        (
            "budget",
            '{amount: "1", per: day, of: channel}',
            "2:39 E303 what was spent is kept by user, token, group, model, not by channel",
        ),
    ],
)
def test_what_cannot_be_counted_is_said_where_it_is_written(verb: str, parameters: str, finding: str) -> None:
    assert compiled(verb, parameters) == (None, [finding])


def test_all_that_is_wrong_is_said_at_once() -> None:
    _, found = compiled("limit", "{concurrency: 6, per: 1m, count: success, of: [user, user]}")

    assert len(found) == 3
