import pytest

from clinx.billing.estimate import (
    DEFAULT_MAX_OUTPUT,
    STEP,
    Cover,
    affordable,
    ceiling,
    counted_bound,
    least_prompt,
    prompt_bound,
)
from clinx.counting.encoding import load
from clinx.domain.catalog import Model
from clinx.domain.money import MAX_NANO, Amount
from clinx.domain.pricing import FREE
from clinx.domain.usage import Usage

OPEN = Model("open", FREE)
BOUNDED = Model("bounded", FREE, context=1000, max_output=500)
LARGE = Model("large", FREE, max_output=100_000)
SMALL = Model("small", FREE, max_output=100)


@pytest.mark.parametrize(
    ("prompt", "choices", "asked", "model", "expected"),
    [
        (10, 1, None, OPEN, Usage(input=10, output=DEFAULT_MAX_OUTPUT, call=1)),
        (10, 1, 7, OPEN, Usage(input=10, output=7, call=1)),
        (10, 3, 7, OPEN, Usage(input=10, output=21, call=1)),
        (10, 1, 0, OPEN, Usage(input=10, output=0, call=1)),
        (10, 1, 10**9, OPEN, Usage(input=10, output=10**9, call=1)),
        (10, 2, None, BOUNDED, Usage(input=10, output=1000, call=1)),
        (10, 1, 10**9, BOUNDED, Usage(input=10, output=10**9, call=1)),
        (10, 3, 501, BOUNDED, Usage(input=10, output=1503, call=1)),
        (10, 1, None, LARGE, Usage(input=10, output=100_000, call=1)),
        (10, 1, None, SMALL, Usage(input=10, output=100, call=1)),
        (10**6, 1, 1, BOUNDED, Usage(input=1000, output=1, call=1)),
        (0, 1, 1, BOUNDED, Usage(output=1, call=1)),
    ],
)
def test_the_ceiling(prompt: int, choices: int, asked: int | None, model: Model, expected: Usage):
    assert ceiling(prompt_tokens=prompt, choices=choices, max_output_tokens=asked, model=model) == expected


@pytest.mark.parametrize(("prompt", "choices", "asked"), [(-1, 1, 1), (1, 0, 1), (1, -1, 1), (1, 1, -1)])
def test_senseless_counts_are_refused(prompt: int, choices: int, asked: int):
    with pytest.raises(ValueError, match="exchange"):
        ceiling(prompt_tokens=prompt, choices=choices, max_output_tokens=asked, model=OPEN)


def test_another_default_counts_only_where_neither_caller_nor_model_bounds_the_answer():
    def answer(model: Model, asked: int | None) -> int:
        return ceiling(prompt_tokens=1, choices=1, max_output_tokens=asked, model=model, default_max_output=64).output

    assert [answer(OPEN, None), answer(OPEN, 65), answer(BOUNDED, None), answer(LARGE, None)] == [64, 65, 500, 100_000]


def test_a_prompt_has_at_most_a_token_for_each_byte_and_the_envelope():
    assert [prompt_bound(size) for size in (0, 1, 3, 300_000)] == [16, 17, 19, 300_016]


@pytest.mark.parametrize("text", ["1" * 99, "\N{DROMEDARY CAMEL}" * 99, "ꙮ𓀀" * 50, "\x00" * 99, "Hello, world. " * 99])
@pytest.mark.parametrize("name", ["cl100k_base", "o200k_base"])
def test_no_text_has_more_tokens_than_its_bytes_allow(name: str, text: str):
    assert len(load(name).encode(text)) <= prompt_bound(len(text.encode()))


def test_a_counted_prompt_has_a_sixteenth_on_top():
    assert [counted_bound(tokens) for tokens in (0, 15, 16, 160_000)] == [16, 31, 33, 170_016]


def test_a_prompt_is_at_least_about_a_quarter_of_its_bytes():
    assert [least_prompt(size) for size in (0, 3, 4, 4003)] == [0, 0, 1, 1000]


def price(tokens: int) -> Amount:
    """A prompt for 1,000 and 7 for each token of answer."""
    return Amount(1000 + 7 * tokens)


@pytest.mark.parametrize(
    ("available", "most", "expected"),
    [
        (-5, 100, None),
        (0, 100, None),
        (999, 100, None),
        (1000, 100, 0),
        (1006, 100, 0),
        (1007, 100, 1),
        (1699, 100, 99),
        (1700, 100, 100),
        (10**15, 100, 100),
        (MAX_NANO, 10**30, (MAX_NANO - 1000) // 7),
        (1000, 0, 0),
    ],
)
def test_an_amount_pays_for_so_many_tokens_and_no_more(available: int, most: int, expected: int | None):
    assert affordable(available, most, price) == expected


def test_an_answer_that_costs_nothing_is_paid_for_as_a_whole():
    assert affordable(0, 100, lambda _: Amount(0)) == 100


@pytest.mark.parametrize(
    ("cover", "made", "expected"),
    [
        (Cover(10, 4096, 50_000), 4096 - STEP, None),
        (Cover(10, 4096, 50_000), 4097 - STEP, Cover(10, 4096 + STEP, 50_000)),
        (Cover(10, 4096, 50_000), 9000, Cover(10, 9000 + STEP, 50_000)),
        (Cover(10, 4096, 4100), 4090, Cover(10, 4100, 4100)),
        (Cover(10, 4096, 4100), 4200, Cover(10, 4200, 4100)),
        (Cover(10, 4100, 4100), 4100, None),
        (Cover(10, 4100, 4100), 4101, Cover(10, 4101 + STEP, 4100)),
    ],
)
def test_what_is_covered_grows_a_step_ahead_of_what_is_made(cover: Cover, made: int, expected: Cover | None):
    assert (cover.raised(made) if made >= cover.raise_at else None) == expected
