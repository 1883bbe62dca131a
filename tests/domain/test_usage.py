from msgspec.structs import replace

from clinx.domain.usage import ANSWER_UNITS, PROMPT_UNITS, Unit, Usage

FULL = replace(Usage(), **{unit.value: index + 1 for index, unit in enumerate(Unit)})


def test_every_unit_has_a_bucket():
    assert [FULL.count(unit) for unit in Unit] == list(range(1, len(Unit) + 1))
    assert [Usage().count(unit) for unit in Unit] == [0] * len(Unit)


def test_prompt_and_answer_are_the_sums_of_their_buckets():
    usage = Usage(input=1, cache_read=2, cache_write=4, cache_write_1h=8, audio_input=16, image_input=32)
    assert (usage.input_tokens, usage.output_tokens) == (63, 0)
    usage = Usage(output=1, reasoning=2, audio_output=4, image_output=8, image=100, call=1)
    assert (usage.input_tokens, usage.output_tokens) == (0, 15)
    assert not set(PROMPT_UNITS) & set(ANSWER_UNITS)


def test_only_what_holds_something_is_stored():
    assert Usage().nonzero() == {}
    assert Usage(input=3, call=1, estimated=True).nonzero() == {"input": 3, "call": 1, "estimated": True}
