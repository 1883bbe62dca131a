from hypothesis import given
from hypothesis import strategies as st

from clinx.domain.usage import ANSWER_UNITS, PROMPT_UNITS, Unit, Usage

usages = st.builds(Usage, **{unit.value: st.integers(0, 10**9) for unit in Unit}, estimated=st.booleans())


@given(usages)
def test_the_buckets_are_disjoint_and_add_up(usage: Usage):
    others = [unit for unit in Unit if unit not in PROMPT_UNITS + ANSWER_UNITS]
    assert usage.input_tokens + usage.output_tokens + sum(map(usage.count, others)) == sum(map(usage.count, Unit))


@given(usages)
def test_what_is_stored_is_read_back(usage: Usage):
    assert Usage(**usage.nonzero()) == usage  # pyright: ignore[reportArgumentType]  (estimated is stored as a bool)
