from collections.abc import Mapping
from fractions import Fraction

import pytest

from clinx.billing.terms import Terms, decode, encode
from clinx.domain.money import Amount
from clinx.domain.pricing import FREE, Price, PriceCase, Rate, Rates
from clinx.domain.usage import Unit, Usage

THIRD = Rate(Fraction(1, 3), 1_000_000)
SHORT = Rates({Unit.INPUT: THIRD, Unit.SECOND: Rate(Fraction("0.1"), 1)}, upto=100)
LONG = Rates({Unit.INPUT: Rate(Fraction(2), 1_000_000)})
HD = Rates({Unit.SECOND: Rate(Fraction("0.3"), 1)})


class WhenHd:
    source = "body.hd"

    def __call__(self, facts: Mapping[str, object]) -> bool:
        return bool(facts.get("hd"))


PRICE = Price((SHORT, LONG), (PriceCase(WhenHd(), HD),))


def test_terms_come_back_exactly_as_they_were_written() -> None:
    terms = Terms.freeze(PRICE, Fraction(1, 7), "r1", {})

    assert decode(encode("video", terms)) == ("video", terms)
    assert terms.tiers == (SHORT, LONG)


@pytest.mark.parametrize("usage", [Usage(), Usage(input=100, second=7), Usage(input=101, output=3, second=7)])
@pytest.mark.parametrize("facts", [{}, {"hd": True}])
def test_what_was_written_prices_like_the_price_it_was_taken_from(usage: Usage, facts: dict[str, object]) -> None:
    multiplier = Fraction(2, 3)

    _, terms = decode(encode("video", Terms.freeze(PRICE, multiplier, "r1", facts)))

    assert terms.quote(usage) == PRICE.quote(usage, multiplier, facts)


def test_a_free_task_stays_free() -> None:
    _, terms = decode(encode("video", Terms.freeze(FREE, Fraction(1), "r1", {})))

    assert terms.quote(Usage(second=1000)).total == Amount(0)


@pytest.mark.parametrize("text", ["", "{}", '{"kind":"video","revision":"r","multiplier":"1","tiers":[{"upto":"x"}]}'])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        decode(text)
