from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from clinx.domain.catalog import Group, Model
from clinx.domain.identity import Role
from clinx.domain.money import Amount
from clinx.domain.override import Aspect, Override
from clinx.domain.pricing import Price, QuoteLine, Rate, Rates
from clinx.domain.receipt import Factor, Receipt
from clinx.domain.usage import Unit
from clinx.graphql.catalog.prices import ModelNode, Quoted
from clinx.graphql.catalog.sight import Offered
from clinx.storage import overrides
from support.station import Station, running_station
from support.tree import compile_files

TIERED = """\
version: 1
models:
  m: {price: [{upto: 1k, input: "1", per: 1M}, {input: "3", per: 1M}]}
"""

GROUPS = """\
version: 1
groups:
  default: {}
  vip: {multiplier: "0.8"}
  auto: {tries: [vip, default]}
models:
  both: {price: {input: "2.5", output: "10", per: 1M}}
  plain: {price: {input: "2.5", output: "10", per: 1M}}
channels:
  - {name: dear, provider: echo, groups: [vip], models: [both]}
  - {name: cheap, provider: echo, groups: [default], models: [both, plain]}
"""
SHORT = """{
  models(first: 10) { edges { node { name multiplier prices { rates { charged } } } } }
  groups(first: 10) { edges { node { name multiplier } } }
}"""
TOLD = """query ($model: String!) {
  explainPrice(input: {model: $model, usage: [{unit: INPUT, count: "1000000"}]}) { quote { total } }
}"""

MODELS = """{ models(first: 10) { edges { node {
  id name isPattern isFree vendor context maxOutput tags group multiplier
  prices { condition upTo rates { unit per listed charged } }
} } } }"""


def seen(model: Model, group: str) -> ModelNode:
    return ModelNode.of(Offered(model, Group(group), Group(group)))


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


async def test_a_group_of_groups_pays_what_the_first_that_serves_charges(tmp_path: Path) -> None:
    async with running_station(tmp_path, {"gateway.yaml": GROUPS}) as station:
        viewer = await station.viewer(Role.USER, group="auto")

        shown = await station.data(SHORT, viewer)
        told = [await station.data(TOLD, viewer, model=name) for name in ("both", "plain")]

        assert [(each["node"]["name"], each["node"]["multiplier"], _charged(each)) for each in _edges(shown)] == [
            ("both", "0.8", "2"),
            ("plain", "1", "2.5"),
        ]
        assert [each["explainPrice"]["quote"]["total"] for each in told] == ["2", "2.5"]
        assert shown["groups"]["edges"] == [{"node": {"name": "auto", "multiplier": None}}]


async def test_a_group_whose_channels_are_all_disabled_serves_nobody(tmp_path: Path) -> None:
    async with running_station(tmp_path, {"gateway.yaml": GROUPS}) as station:
        viewer, at = await station.viewer(Role.USER, group="auto"), station.clock.now()
        off = Override("dear", Aspect.DISABLED, 1, "broken", "test", at, at + timedelta(hours=1))
        await station.database.atomically(overrides.put(off))
        await station.obey()

        first, _ = _edges(await station.data(SHORT, viewer))

        assert (first["node"]["multiplier"], _charged(first)) == ("1", "2.5")
        told = await station.data(TOLD, viewer, model="both")
        assert told["explainPrice"]["quote"]["total"] == "2.5"


def _edges(data: dict[str, Any]) -> list[dict[str, Any]]:
    return data["models"]["edges"]


def _charged(edge: dict[str, Any]) -> str:
    return edge["node"]["prices"][0]["rates"][0]["charged"]


def test_every_tier_is_a_row(tmp_path: Path) -> None:
    model = compile_files(tmp_path, {"gateway.yaml": TIERED}).snapshot.models["m"]

    rows = seen(model, "default").prices()

    assert [(row.up_to, row.rates[0].listed) for row in rows] == [(1000, Amount.parse("1")), (None, Amount.parse("3"))]


def test_a_pattern_says_that_it_is_one() -> None:
    assert seen(Model("gpt-*", Price(())), "default").is_pattern()


def test_what_two_groups_pay_are_two_objects() -> None:
    model = Model("m", Price(()))

    assert seen(model, "a").id != seen(model, "b").id


def test_a_rate_finer_than_the_ledger_is_shown_to_the_nearest_amount() -> None:
    rates = Rates({Unit.INPUT: Rate(Fraction(2, 3), 1)})

    [row] = seen(Model("m", Price((rates,))), "default").prices()

    assert row.rates[0].listed == Amount.parse("0.666666667")


def test_a_quote_is_shown_with_its_lines() -> None:
    line = QuoteLine(Unit.OUTPUT, 500, Rate(Fraction(2), 1000))

    shown = Quoted.of(Receipt((line,), (Factor(Fraction(1, 2), group="vip"),), Amount.parse("0.5")))

    assert (shown.multiplier, shown.total, shown.is_whole) == ("0.5", Amount.parse("0.5"), True)
    assert [(each.factor, each.group, each.rule) for each in shown.factors] == [("0.5", "vip", None)]
    assert [(each.unit, each.count, each.listed, each.amount) for each in shown.lines] == [(Unit.OUTPUT, 500, "2", "1")]


def test_a_quote_says_all_digits_that_there_are() -> None:
    line = QuoteLine(Unit.SECOND, 1, Rate(Fraction("0.0000000000001"), 3))

    [shown] = Quoted.of(Receipt((line,), (), Amount(0))).lines

    assert (shown.listed, shown.amount) == ("0.0000000000001", "0")
