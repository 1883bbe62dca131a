from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import pytest
from msgspec.structs import replace

from clinx.domain.money import ZERO, Amount
from clinx.domain.pricing import FREE, Price, PriceCase, Rate, Rates
from clinx.domain.usage import Unit, Usage

M = 1_000_000
ONE = Fraction(1)


def per_million(**amounts: str) -> dict[Unit, Rate]:
    return {Unit(unit): Rate(Fraction(amount), M) for unit, amount in amounts.items()}


def only(unit: Unit) -> Usage:
    return replace(Usage(), **{unit.value: M})  # pyright: ignore[reportArgumentType]  (no unit is called estimated)


@dataclass(frozen=True)
class Fact:
    name: str

    @property
    def source(self) -> str:
        return self.name

    def __call__(self, facts: Mapping[str, object]) -> bool:
        return bool(facts.get(self.name))


GPT = Price((Rates(per_million(input="2.5", output="10", cache_read="1.25")),))


def test_a_call_costs_the_sum_of_its_buckets():
    usage = Usage(input=1200, output=300, cache_read=800)

    quote = GPT.quote(usage, ONE, {})

    assert quote.total == Amount.parse("0.007") == GPT.total(usage, ONE, {})
    assert [str(line) for line in quote.lines] == [
        "1200 input at 2.5/1000000",
        "300 output at 10/1000000",
        "800 cache_read at 1.25/1000000",
    ]
    assert sum(line.amount for line in quote.lines) == Fraction(7, 1000)


def test_the_multiplier_is_applied_before_the_one_rounding():
    usage = Usage(input=1)
    assert GPT.total(usage, Fraction(1, 3), {}) == Amount(833)
    assert GPT.total(Usage(input=3), Fraction(1, 3), {}) == Amount(2500)
    assert GPT.total(usage, Fraction(0), {}) == ZERO


def test_a_bucket_without_a_rate_costs_what_its_parent_costs():
    price = Price((Rates(per_million(input="3", output="15")),))
    for unit in (Unit.CACHE_READ, Unit.CACHE_WRITE, Unit.CACHE_WRITE_1H, Unit.AUDIO_INPUT, Unit.IMAGE_INPUT):
        assert price.total(only(unit), ONE, {}) == Amount.parse("3")
    for unit in (Unit.REASONING, Unit.AUDIO_OUTPUT, Unit.IMAGE_OUTPUT):
        assert price.total(only(unit), ONE, {}) == Amount.parse("15")
    for unit in (Unit.CALL, Unit.IMAGE, Unit.SECOND, Unit.CHARACTER, Unit.SEARCH):
        assert price.total(only(unit), ONE, {}) == ZERO


def test_the_hour_long_cache_falls_back_to_the_short_one_first():
    rates = Rates(per_million(input="3", cache_write="3.75"))
    assert rates.rate(Unit.CACHE_WRITE_1H) == Rate(Fraction("3.75"), M)
    assert rates.rate(Unit.CALL) is None


@pytest.mark.parametrize(("prompt", "total"), [(200_000, "0.2"), (200_001, "0.400002"), (900_000, "1.8")])
def test_the_tier_is_chosen_by_the_whole_prompt(prompt: int, total: str):
    price = Price((Rates(per_million(input="1"), upto=200_000), Rates(per_million(input="2"))))
    assert price.total(Usage(input=prompt - 100_000, cache_read=100_000), ONE, {}) == Amount.parse(total)


def test_a_prompt_beyond_the_last_tier_costs_what_the_last_tier_says():
    price = Price((Rates(per_million(input="1"), upto=10),))
    assert price.total(Usage(input=M), ONE, {}) == Amount.parse("1")


def test_the_first_case_that_holds_replaces_the_tiers():
    price = Price(
        GPT.tiers,
        (
            PriceCase(Fact("batch"), Rates(per_million(input="1"))),
            PriceCase(Fact("vip"), Rates(per_million(input="2"))),
        ),
    )
    usage = Usage(input=M)
    assert price.total(usage, ONE, {"batch": True, "vip": True}) == Amount.parse("1")
    assert price.total(usage, ONE, {"vip": True}) == Amount.parse("2")
    assert price.total(usage, ONE, {}) == Amount.parse("2.5")


def test_halves_go_up_and_holds_round_up():
    price = Price((Rates({Unit.CALL: Rate(Fraction(1, 2 * 10**9), 1)}),))
    assert price.total(Usage(call=1), ONE, {}) == Amount(1)
    assert price.total(Usage(call=3), ONE, {}) == Amount(2)
    third = Price((Rates({Unit.CALL: Rate(Fraction(1, 3 * 10**9), 1)}),))
    assert third.total(Usage(call=1), ONE, {}) == Amount(0)
    assert third.ceiling(Usage(call=1), ONE, {}) == Amount(1)


TIERED = Price(
    (
        Rates(per_million(input="1", output="8"), upto=100),
        Rates(per_million(input="3", output="2"), upto=1000),
        Rates(per_million(input="2", output="9")),
    )
)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (100, 100 * 1 + 10 * 8),
        (101, 101 * 3 + 10 * 2),  # 101 x 1 + 10 x 8 is less.
        (1000, 1000 * 3 + 10 * 2),
        (1001, 1001 * 3 + 10 * 2),  # The middle tier is dearer than the last, and a shorter prompt reaches it.
    ],
)
def test_a_hold_covers_the_dearest_tier_that_a_prompt_up_to_the_bound_may_reach(prompt: int, expected: int):
    assert TIERED.ceiling(Usage(input=prompt, output=10), ONE, {}) == Amount(1000 * expected)


def test_a_hold_beyond_the_last_tier_looks_at_every_tier():
    price = Price((Rates(per_million(input="5"), upto=10), Rates(per_million(input="1"), upto=20)))
    assert price.ceiling(Usage(input=M), ONE, {}) == Amount.parse("5")


def test_a_hold_takes_every_token_for_one_of_the_dearest_kind():
    rates = per_million(
        input="1", output="2", cache_read="0.1", cache_write_1h="4", audio_output="50", image="9", call="7"
    )
    price = Price((Rates(rates),))

    assert price.ceiling(Usage(input=M), ONE, {}) == price.total(Usage(cache_write_1h=M), ONE, {}) == Amount.parse("4")
    assert price.ceiling(Usage(output=M), ONE, {}) == price.total(Usage(audio_output=M), ONE, {}) == Amount.parse("50")
    assert price.ceiling(Usage(image=M, call=M), ONE, {}) == Amount.parse("16")
    assert price.ceiling(Usage(input=M, output=M, call=M), Fraction(1, 2), {}) == Amount.parse("30.5")


def test_a_case_that_holds_is_the_only_row_a_hold_looks_at():
    price = Price(TIERED.tiers, (PriceCase(Fact("batch"), Rates(per_million(input="0.5"))),))

    assert price.ceiling(Usage(input=M), ONE, {"batch": True}) == Amount.parse("0.5")
    assert price.ceiling(Usage(input=M), ONE, {}) == Amount.parse("3")


def test_free_is_free():
    assert FREE.is_free
    assert FREE.quote(Usage(input=M, call=1), ONE, {}).lines == ()
    assert FREE.total(Usage(input=M, call=1), ONE, {}) == FREE.ceiling(Usage(input=M, call=1), ONE, {}) == ZERO
    assert Price((Rates(per_million(input="0")),)).is_free
    assert not GPT.is_free
    assert not Price((), (PriceCase(Fact("x"), Rates(per_million(input="1"))),)).is_free


def test_a_cost_is_the_price_of_its_row_rounded_once():
    row = Rates(per_million(input="2.5", output="10", cache_read="1.25"))

    assert row.cost(Usage(input=1200, output=300, cache_read=801)) == Amount(7_001_250)
    assert row.cost(Usage(image=3)) == ZERO, "what has no rate costs nothing, and that is known"


def test_a_cost_that_no_ledger_holds_is_not_known():
    assert Rates({Unit.CALL: Rate(Fraction(10**10), 1)}).cost(Usage(call=1)) is None
