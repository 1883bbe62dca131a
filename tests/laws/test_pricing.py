from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from clinx.domain.money import MAX_NANO, NANO, Amount
from clinx.domain.pricing import Price, Rate, Rates
from clinx.domain.usage import ANSWER_UNITS, PROMPT_UNITS, Unit, Usage

PARENTS = {
    Unit.OUTPUT: Unit.INPUT,
    Unit.CACHE_READ: Unit.INPUT,
    Unit.CACHE_WRITE: Unit.INPUT,
    Unit.CACHE_WRITE_1H: Unit.CACHE_WRITE,
    Unit.REASONING: Unit.OUTPUT,
    Unit.AUDIO_INPUT: Unit.INPUT,
    Unit.AUDIO_OUTPUT: Unit.OUTPUT,
    Unit.IMAGE_INPUT: Unit.INPUT,
    Unit.IMAGE_OUTPUT: Unit.OUTPUT,
}

prices_of_units = st.decimals(0, 1000, places=6, allow_nan=False).map(Fraction)
rates = st.dictionaries(
    st.sampled_from(list(Unit)), st.builds(Rate, prices_of_units, st.sampled_from([1, 60, 1000, 10**6])), max_size=8
)
usages = st.builds(Usage, **{unit.value: st.integers(0, 10**4) for unit in Unit})
multipliers = st.decimals(0, 3, places=4, allow_nan=False).map(Fraction)


def exact(by_unit: dict[Unit, Rate], usage: Usage, multiplier: Fraction) -> Fraction:
    """The price by the book, in nano-units, without a single integer trick."""
    total = Fraction(0)
    for unit in Unit:
        priced: Unit | None = unit
        while priced is not None and priced not in by_unit:
            priced = PARENTS.get(priced)
        if priced is not None:
            total += usage.count(unit) * by_unit[priced].amount / by_unit[priced].per
    return total * multiplier * NANO


@given(rates, usages, multipliers)
def test_a_total_is_the_exact_sum_rounded_half_up_once(by_unit: dict[Unit, Rate], usage: Usage, multiplier: Fraction):
    price, expected = Price((Rates(by_unit),)), exact(by_unit, usage, multiplier)
    quote = price.quote(usage, multiplier, {})

    assert quote.total == price.total(usage, multiplier, {}) == Amount(int(expected + Fraction(1, 2)))
    assert sum((line.amount for line in quote.lines), Fraction(0)) * multiplier * NANO == expected


@given(rates, usages)
def test_a_cost_is_the_price_of_its_rates_without_a_multiplier(by_unit: dict[Unit, Rate], usage: Usage):
    row = Rates(by_unit)

    assert row.cost(usage) == Price((row,)).total(usage, Fraction(1), {})
    assert row.cost(usage) == Amount(int(exact(by_unit, usage, Fraction(1)) + Fraction(1, 2)))


@given(rates, usages, multipliers, st.sampled_from(list(Unit)), st.integers(1, 1000))
def test_more_never_costs_less(by_unit: dict[Unit, Rate], usage: Usage, multiplier: Fraction, unit: Unit, more: int):
    price = Price((Rates(by_unit),))
    larger = replace(usage, **{unit.value: usage.count(unit) + more})

    assert price.total(larger, multiplier, {}) >= price.total(usage, multiplier, {})


@st.composite
def tiered_prices(draw: st.DrawFn) -> Price:
    edges = sorted(draw(st.sets(st.integers(0, 80_000), max_size=4)))
    rows = [Rates(draw(rates), upto=edge) for edge in edges]
    if not rows or draw(st.booleans()):
        rows.append(Rates(draw(rates)))
    return Price(tuple(rows))


@st.composite
def usages_and_bounds(draw: st.DrawFn) -> tuple[Usage, Usage]:
    """A usage, and a bound of the shape estimates have: the whole prompt as input, the whole answer as output."""
    usage = draw(usages)
    more = st.integers(0, 30_000)
    tokens = dict.fromkeys((unit.value for unit in PROMPT_UNITS + ANSWER_UNITS), 0)
    bound = replace(
        usage, **{**tokens, "input": usage.input_tokens + draw(more), "output": usage.output_tokens + draw(more)}
    )
    return usage, bound


@given(tiered_prices(), usages_and_bounds(), multipliers)
def test_a_hold_covers_every_charge_within_its_bounds(price: Price, counts: tuple[Usage, Usage], multiplier: Fraction):
    usage, bound = counts

    assert price.ceiling(bound, multiplier, {}) >= price.total(usage, multiplier, {})


@given(tiered_prices(), usages, multipliers)
def test_a_hold_is_no_more_than_some_usage_within_its_bounds_would_cost(
    price: Price, usage: Usage, multiplier: Fraction
):
    """Tight: the dearest tier that is reachable, the dearest bucket of the prompt and of the answer, rounded up."""
    reachable = [
        tier for n, tier in enumerate(price.tiers) if all((t.upto or 0) < usage.input_tokens for t in price.tiers[:n])
    ]
    dearest = max(
        exact(dict(tier.by_unit), replace(usage, **_only(usage, prompt, answer)), multiplier)
        for tier in reachable
        for prompt in PROMPT_UNITS
        for answer in ANSWER_UNITS
    )

    assert 0 <= price.ceiling(usage, multiplier, {}).nano - dearest < 1


def _only(usage: Usage, prompt: Unit, answer: Unit) -> dict[str, int]:
    """All of the prompt in one bucket, and all of the answer in another."""
    empty = dict.fromkeys((unit.value for unit in PROMPT_UNITS + ANSWER_UNITS), 0)
    return {**empty, prompt.value: usage.input_tokens, answer.value: usage.output_tokens}


@given(rates, rates, usages, st.integers(0, 60_000))
def test_the_tier_is_the_narrowest_that_is_wide_enough(
    small: dict[Unit, Rate], large: dict[Unit, Rate], usage: Usage, edge: int
):
    tiers = (Rates(small, upto=edge), Rates(large))
    expected = tiers[0] if sum(map(usage.count, PROMPT_UNITS)) <= edge else tiers[1]

    assert Price(tiers).rates(usage.input_tokens, {}) is expected


@given(rates, usages, st.integers(1, 5))
def test_a_whole_multiplier_multiplies_the_exact_price(by_unit: dict[Unit, Rate], usage: Usage, times: int):
    price = Price((Rates(by_unit),))
    once, often = (price.total(usage, Fraction(n), {}).nano for n in (1, times))

    assert abs(often - times * once) <= times
    assert often <= MAX_NANO
