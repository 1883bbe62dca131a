from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from clinx.domain.catalog import Group, Model
from clinx.domain.money import Amount
from clinx.domain.pricing import Price, Quote, QuoteLine, Rate, Rates
from clinx.domain.usage import Unit
from clinx.graphql.catalog.prices import ModelNode, Quoted
from support.station import Station
from support.tree import compile_files

TIERED = """\
version: 1
models:
  m: {price: [{upto: 1k, input: "1", per: 1M}, {input: "3", per: 1M}]}
"""

MODELS = """{ models(first: 10) { edges { node {
  id name isPattern isFree vendor context maxOutput tags group multiplier
  prices { condition upTo rates { unit per listed charged } }
} } } }"""


async def test_a_model_is_shown_at_the_price_of_the_viewer_s_group(station: Station) -> None:
    data = await station.data(MODELS, await station.viewer(group="vip"))

    first, _, last = [edge["node"] for edge in data["models"]["edges"]]
    assert {**first, "id": None} == {
        "id": None,
        "name": "fake-model",
        "isPattern": False,
        "isFree": False,
        "vendor": None,
        "context": None,
        "maxOutput": 1000,
        "tags": [],
        "group": "vip",
        "multiplier": "0.5",
        "prices": [
            {
                "condition": None,
                "upTo": None,
                "rates": [
                    {"unit": "INPUT", "per": "1000000", "listed": "1", "charged": "0.5"},
                    {"unit": "OUTPUT", "per": "1000000", "listed": "2", "charged": "1"},
                    {"unit": "CACHE_READ", "per": "1000000", "listed": "0.5", "charged": "0.25"},
                ],
            }
        ],
    }
    assert (last["name"], last["prices"][0]["rates"][0]["charged"]) == ("per-call", "0.005")


def test_every_tier_is_a_row(tmp_path: Path) -> None:
    model = compile_files(tmp_path, {"gateway.yaml": TIERED}).snapshot.models["m"]

    rows = ModelNode.of(model, Group("default")).prices()

    assert [(row.up_to, row.rates[0].listed) for row in rows] == [(1000, Amount.parse("1")), (None, Amount.parse("3"))]


def test_a_pattern_says_that_it_is_one() -> None:
    assert ModelNode.of(Model("gpt-*", Price(())), Group("default")).is_pattern()


def test_what_two_groups_pay_are_two_objects() -> None:
    model = Model("m", Price(()))

    assert ModelNode.of(model, Group("a")).id != ModelNode.of(model, Group("b")).id


def test_a_rate_finer_than_the_ledger_is_shown_to_the_nearest_amount() -> None:
    rates = Rates({Unit.INPUT: Rate(Fraction(2, 3), 1)})

    [row] = ModelNode.of(Model("m", Price((rates,))), Group("default")).prices()

    assert row.rates[0].listed == Amount.parse("0.666666667")


def test_a_quote_is_shown_with_its_lines() -> None:
    line = QuoteLine(Unit.OUTPUT, 500, Rate(Fraction(2), 1000))

    shown = Quoted.of(Quote((line,), Fraction(1, 2), Amount.parse("0.5")))

    assert (shown.multiplier, shown.total) == ("0.5", Amount.parse("0.5"))
    assert [(each.unit, each.count, each.listed, each.amount) for each in shown.lines] == [
        (Unit.OUTPUT, 500, Amount.parse("2"), Amount.parse("1"))
    ]
