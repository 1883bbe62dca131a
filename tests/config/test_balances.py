from __future__ import annotations

from pathlib import Path

import pytest

from clinx.domain.provider_balance import BalanceQuestion, BalanceRule, Figure
from clinx.domain.template import Template
from support.tree import compile_files, findings

CHANNELS = """\
models: {m: {price: free}}
channels: [{name: c, provider: acme, credentials: ["${env:UPSTREAM_KEY}"], models: [m]}]
"""
ACME = """\
provider: acme
extends: openai
settings: {team: {default: us}}
balance:
"""
GOOD = """\
  path: /left
  value: data.left
  currency: USD
"""


def files(balance: str) -> dict[str, str]:
    return {"gateway.yaml": CHANNELS, "providers/acme.yaml": ACME + balance}


def rule(tmp_path: Path, balance: str) -> BalanceRule | None:
    return compile_files(tmp_path, files(balance)).snapshot.channels["c"].provider.balance


def found(tmp_path: Path, balance: str) -> list[str]:
    return [str(each) for each in findings(tmp_path, files(balance))]


def test_a_rule_is_compiled_whole(tmp_path: Path) -> None:
    text = """\
  method: POST
  path: /teams/{{ settings.team }}/left
  query: {of: "{{ settings.team }}"}
  headers: {Api-Key: "{{ key }}"}
  value: accounts[-1].cents
  per: 100
  minus: {value: used, per: 1000, path: /used, query: {all: "1"}}
  currency: accounts[0].currency
"""
    headers = (("Api-Key", Template.parse("{{ key }}")),)
    team = Template.parse("{{ settings.team }}")

    assert rule(tmp_path, text) == BalanceRule(
        question=BalanceQuestion("POST", Template.parse("/teams/{{ settings.team }}/left"), (("of", team),), headers),
        value=Figure(("accounts", -1, "cents"), 100),
        currency=("accounts", 0, "currency"),
        minus=Figure(("used",), 1000),
        minus_question=BalanceQuestion("POST", Template.parse("/used"), (("all", Template.parse("1")),), headers),
    )


def test_what_was_used_may_stand_in_the_same_answer(tmp_path: Path) -> None:
    assert rule(tmp_path, GOOD + "  minus: {value: data.used}\n") == BalanceRule(
        question=BalanceQuestion("GET", Template.parse("/left")),
        value=Figure(("data", "left")),
        currency="USD",
        minus=Figure(("data", "used")),
    )


def test_a_provider_that_says_nothing_is_asked_nothing(tmp_path: Path) -> None:
    assert rule(tmp_path, "  ~\n") is None


def test_it_is_inherited_and_changed_like_all_else(tmp_path: Path) -> None:
    more = {"providers/child.yaml": "provider: child\nextends: acme\nbalance: {currency: EUR}\n"}
    tree = {**files(GOOD), **more, "gateway.yaml": CHANNELS.replace("acme", "child")}

    built = compile_files(tmp_path, tree).snapshot.channels["c"].provider.balance

    assert built == BalanceRule(BalanceQuestion("GET", Template.parse("/left")), Figure(("data", "left")), "EUR")


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ("  valeu: x\n", '8:3 E301 unknown key "valeu" (did you mean "value"?)'),
        ("  minus: {vale: x}\n", '8:11 E301 unknown key "vale" (did you mean "value"?)'),
        ("  minus: {value: used, query: {a: b}}\n", '8:24 E303 "query" without "path" (say where that is asked for)'),
        (
            '  headers: {Api-Key: "{{ kye }}"}\n',
            '8:22 E211 unknown name "kye" in a template (did you mean "key"?)',
        ),
        (
            '  query: {t: "{{ settings.taem }}"}\n',
            '8:14 E211 unknown name "settings.taem" in a template (did you mean "settings.team"?)',
        ),
        ("  headers: {Host: x}\n", '8:13 E303 header "Host" belongs to the connection'),
        (
            "  minus: {value: 'used[*]'}\n",
            '8:18 E303 "value" is no place in an answer (such as data.balance or balance_infos[0].total_balance)',
        ),
        (
            "  per: 60\n",
            '8:8 E303 "per" must have no factors but 2 and 5, or the amount has no end: 100, 1000, 500000',
        ),
    ],
    ids=["key", "minus key", "query", "header", "setting", "host", "place", "per"],
)
def test_what_is_wrong_is_found_where_it_stands(tmp_path: Path, change: str, finding: str) -> None:
    assert [each for each in found(tmp_path, GOOD + change) if "E302" not in each] == [f"providers/acme.yaml:{finding}"]


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("USD", "usd", '7:13 E303 a currency is written in capitals (did you mean "USD"?)'),
        (
            "USD",
            "data..code",
            '7:13 E303 "currency" is no place in an answer (such as data.balance or balance_infos[0].total_balance)',
        ),
        (
            "data.left",
            "'[0]'",
            '6:10 E303 "value" is no place in an answer (such as data.balance or balance_infos[0].total_balance)',
        ),
        (
            "/left",
            "'/{{ model }}'",
            '5:9 E211 unknown name "model" in a template (known here: settings.team)',
        ),
    ],
    ids=["currency", "currency's place", "value", "model"],
)
def test_what_it_says_must_mean_something(tmp_path: Path, old: str, new: str, finding: str) -> None:
    assert found(tmp_path, GOOD.replace(old, new)) == [f"providers/acme.yaml:{finding}"]


def test_what_it_cannot_do_without_is_missed(tmp_path: Path) -> None:
    assert found(tmp_path, "  value: a\n") == [
        'providers/acme.yaml:5:3 E302 missing key "currency"',
        'providers/acme.yaml:5:3 E302 missing key "path"',
    ]
