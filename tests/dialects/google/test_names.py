from __future__ import annotations

import pytest

from clinx.dialects.body import JsonBody
from clinx.dialects.google import names
from clinx.errors import InvalidRequest

KNOWN = names.folded(("contents", "generationConfig"))


def body(text: str) -> JsonBody:
    return JsonBody.parse(text.encode())


@pytest.mark.parametrize(
    ("name", "other"), [("maxOutputTokens", "max_output_tokens"), ("contents", "contents"), ("topP", "top_p")]
)
def test_the_other_spelling_has_no_capitals(name: str, other: str) -> None:
    assert names.snake(name) == other


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"generationConfig":{}}', "generationConfig"),
        ('{"generation_config":{}}', "generation_config"),
        ("{}", "generationConfig"),
    ],
)
def test_a_member_is_found_as_it_is_spelled(text: str, found: str) -> None:
    assert names.spelled(body(text), "generationConfig") == found


@pytest.mark.parametrize("name", ["Contents", "CONTENTS", "con_tents", "GenerationConfig", "generation_Config"])
def test_a_name_that_some_servers_take_for_a_known_one_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        names.check_spelling(body(f'{{"{name}":1}}'), KNOWN)

    assert caught.value.param == name


def test_two_spellings_at_once_are_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        names.check_spelling(body('{"generationConfig":{},"generation_config":{}}'), KNOWN)

    assert caught.value.param == "generation_config"


@pytest.mark.parametrize(
    "text", ['{"contents":1,"generation_config":1,"other":1,"Other":1}', '{"' + "c" * 5000 + '":1}', "{}"]
)
def test_everything_else_passes(text: str) -> None:
    names.check_spelling(body(text), KNOWN)


@pytest.mark.parametrize("text", ["{}", '{"generationConfig":null}'])
def test_an_absent_member_has_no_members(text: str) -> None:
    assert names.members_of(body(text), "generationConfig") is None


def test_members_of_either_spelling_are_read() -> None:
    found = names.members_of(body('{"generation_config":{"a":1}}'), "generationConfig")

    assert found is not None
    assert found.names == ("a",)


@pytest.mark.parametrize("value", ["1", "[]", '""', "{" + ",".join(f'"{n}":0' for n in range(513)) + "}"])
def test_what_is_no_object_or_too_large_is_refused(value: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        names.members_of(body(f'{{"generationConfig":{value}}}'), "generationConfig")

    assert caught.value.param == "generationConfig"
