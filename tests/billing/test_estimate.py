import pytest

from clinx.billing.estimate import DEFAULT_MAX_OUTPUT, ceiling, prompt_bound
from clinx.domain.catalog import Model
from clinx.domain.pricing import FREE
from clinx.domain.usage import Usage

OPEN = Model("open", FREE)
BOUNDED = Model("bounded", FREE, context=1000, max_output=500)


@pytest.mark.parametrize(
    ("prompt", "choices", "asked", "model", "expected"),
    [
        (10, 1, None, OPEN, Usage(input=10, output=DEFAULT_MAX_OUTPUT, call=1)),
        (10, 1, 7, OPEN, Usage(input=10, output=7, call=1)),
        (10, 3, 7, OPEN, Usage(input=10, output=21, call=1)),
        (10, 1, 0, OPEN, Usage(input=10, output=0, call=1)),
        (10, 1, 10**9, OPEN, Usage(input=10, output=10**9, call=1)),
        (10, 2, None, BOUNDED, Usage(input=10, output=1000, call=1)),
        (10, 1, 10**9, BOUNDED, Usage(input=10, output=500, call=1)),
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


def test_the_operators_default_counts_where_nobody_bounds_the_answer():
    bound = ceiling(prompt_tokens=1, choices=1, max_output_tokens=None, model=OPEN, default_max_output=64)
    assert bound == Usage(input=1, output=64, call=1)


def test_a_prompt_is_bounded_by_its_bytes():
    assert [prompt_bound(size) for size in (0, 1, 3, 4, 300_000)] == [16, 17, 17, 18, 100_016]
