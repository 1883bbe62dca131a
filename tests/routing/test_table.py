from __future__ import annotations

from fractions import Fraction

from clinx.domain.catalog import Channel
from clinx.domain.pricing import Rate, Rates
from clinx.domain.usage import Unit
from clinx.routing.table import Route, RouteTable
from support.channels import channel


def _names(table: RouteTable, model: str, group: str = "default") -> list[list[str]]:
    return [[route.channel.name for route in tier] for tier in table.tiers(group, model)]


def test_higher_priorities_come_first_and_equals_keep_the_order_of_the_tree() -> None:
    table = RouteTable.build(
        [channel("low", priority=-1), channel("a", priority=10), channel("b"), channel("c", priority=10)]
    )

    assert _names(table, "m") == [["a", "c"], ["b"], ["low"]]


def test_a_mapping_gives_the_upstream_name() -> None:
    mapped = channel(models={"gpt-4": "gpt-4o-2024-11-20"})

    assert RouteTable.build([mapped]).tiers("default", "gpt-4") == ((Route(mapped, "gpt-4o-2024-11-20"),),)


def test_a_group_sees_only_its_own_channels() -> None:
    table = RouteTable.build([channel("a", groups=("default", "vip")), channel("b", groups=("vip",))])

    assert _names(table, "m") == [["a"]]
    assert _names(table, "m", "vip") == [["a", "b"]]
    assert _names(table, "m", "nobody") == []


def test_a_group_named_twice_offers_a_channel_once() -> None:
    assert _names(RouteTable.build([channel("a", groups=("default", "default"))]), "m") == [["a"]]


def test_an_exact_name_wins_over_every_pattern_and_a_longer_pattern_over_a_shorter() -> None:
    channels: list[Channel] = [
        channel("all", models={"*": "*"}, priority=99),
        channel("gpt", models={"gpt-*": "gpt-*"}),
        channel("exact", models={"gpt-4o": "gpt-4o"}, priority=-99),
    ]
    table = RouteTable.build(channels)

    assert _names(table, "gpt-4o") == [["exact"]]
    assert _names(table, "gpt-4") == [["gpt"]]
    assert _names(table, "claude") == [["all"]]


def test_a_pattern_mapped_to_itself_forwards_the_asked_name_and_another_target_is_taken_as_it_is() -> None:
    forwarding, fixed = channel("f", models={"gpt-*": "gpt-*"}), channel("x", models={"gpt-*": "gpt-4o"})
    table = RouteTable.build([forwarding, fixed])

    assert table.tiers("default", "gpt-5") == ((Route(forwarding, "gpt-5"), Route(fixed, "gpt-4o")),)


def test_models_are_listed_sorted_with_their_patterns() -> None:
    table = RouteTable.build([channel("a", models={"b": "b", "gpt-*": "gpt-*"}), channel("b", models={"a": "x"})])

    assert table.models("default") == ("a", "b", "gpt-*")
    assert table.models("nobody") == ()


def test_channels_are_compared_by_what_a_nominal_call_costs_us() -> None:
    rates = Rates({Unit.INPUT: Rate(Fraction(2), 10**6), Unit.OUTPUT: Rate(Fraction(8), 10**6)})
    table = RouteTable.build([channel("known", cost=rates), channel("unknown")])

    (tier,) = table.tiers("default", "m")

    assert [(route.channel.name, route.cost) for route in tier] == [("known", 6_000_000), ("unknown", None)]


def test_without_some_channels_the_others_stay_in_their_tiers_and_every_name_is_known() -> None:
    table = RouteTable.build(
        [channel("a", priority=1), channel("b"), channel("c"), channel("d", models={"x": "x", "y-*": "y-*"})]
    ).without({"a", "b", "d"})

    assert _names(table, "m") == [["c"]]
    assert _names(table, "x") == _names(table, "y-1") == [[]]
    assert table.models("default") == ("m", "x", "y-*")


def test_a_group_lists_the_names_it_offers_and_not_what_its_patterns_match() -> None:
    table = RouteTable.build([channel("a", models={"b": "b", "gpt-*": "gpt-*"})])

    names = ("b", "gpt-*", "gpt-5", "x")
    assert [table.lists("default", name) for name in names] == [True, False, False, False]
    assert not table.lists("nobody", "b")
