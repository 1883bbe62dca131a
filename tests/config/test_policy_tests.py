from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from clinx.config.diagnostics import Diagnostic
from clinx.config.document import DocumentReader
from clinx.config.policy_tests import PolicyTest, read_tests
from clinx.config.tree import Tree
from clinx.domain.usage import Unit


def read(text: str, name: str = "policies/tests/a.yaml") -> tuple[list[PolicyTest], list[str]]:
    found: list[Diagnostic] = []
    tree = Tree(None, {name: text.encode()}, (), is_builtin=False, commit=None, diagnostics=())
    return read_tests(tree, DocumentReader(), found), [str(each) for each in found]


def test_a_test_is_read_with_the_place_it_is_written_at() -> None:
    tests, found = read("# first\n- name: one\n  given: {model: a}\n  expect: {}\n- {given: {model: b}, expect: {}}\n")

    assert found == []
    assert [(each.title, each.mark.line) for each in tests] == [("one", 2), ("policies/tests/a.yaml:5", 5)]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-01-31T09:30", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ("2026-01-31T09:30+02:00", datetime(2026, 1, 31, 9, 30, tzinfo=timezone(timedelta(hours=2)))),
    ],
)
def test_an_instant_without_a_zone_is_in_utc(text: str, instant: datetime) -> None:
    tests, _ = read(f"- {{given: {{model: a, now: {text}}}, expect: {{}}}}\n")

    assert tests[0].shape.given.now == instant


def test_an_expected_price_yields_the_units_it_names() -> None:
    tests, _ = read('- {given: {model: a}, expect: {price: {input: "1.10", call: "2", per: 1M}}}\n')

    price = tests[0].shape.expect.price
    assert price is not None
    assert [(unit, str(amount)) for unit, amount in price.amounts()] == [(Unit.INPUT, "11/10"), (Unit.CALL, "2")]


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("given: {}\n", "1:1 E303 expected a list of tests (begin each with `- given:`)"),
        (
            "- {given: {model: a}, expect: {chanels: []}}\n",
            '1:32 E301 unknown key "chanels" (did you mean "channels"?)',
        ),
        (
            "- {given: {model: a, now: noon}, expect: {}}\n",
            '1:27 E303 "now": expected an instant such as 2026-01-31T09:30+01:00, not "noon"',
        ),
        ("- {given: {model: a}}\n", '1:3 E302 missing key "expect"'),
    ],
)
def test_a_slip_is_a_finding(text: str, finding: str) -> None:
    tests, found = read(text)

    assert tests == []
    assert found == [f"policies/tests/a.yaml:{finding}"]


def test_other_files_hold_no_tests_and_an_empty_one_is_none() -> None:
    assert read("- nonsense\n", "policies/a.yaml") == ([], [])
    assert read("# nothing yet\n") == ([], [])
