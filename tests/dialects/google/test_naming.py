from __future__ import annotations

import json

import pytest

from clinx.dialects.body import JsonBody
from clinx.dialects.google import naming
from clinx.errors import InvalidRequest


def body(text: str) -> JsonBody:
    return JsonBody.parse(text.encode())


@pytest.mark.parametrize("name", ["", "x" * 257, "a\nb", "a\x00"])
def test_what_cannot_be_a_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        naming.check_name(name)

    assert caught.value.param == "model"


@pytest.mark.parametrize("name", ["gemini-2.5-flash", "openai/gpt-4o", "a:b", "x" * 256])
def test_names_may_hold_slashes_and_colons(name: str) -> None:
    naming.check_name(name)


@pytest.mark.parametrize("text", ["{}", '{"model":null}', '{"model":"m"}', '{"model":"models/m"}'])
def test_a_body_may_repeat_the_model(text: str) -> None:
    naming.check_model(body(text), "m")


@pytest.mark.parametrize("value", ['"n"', '"models/n"', "1", "[]", '""'])
def test_a_body_must_not_name_another_model(value: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        naming.check_model(body(f'{{"model":{value}}}'), "m", "generateContentRequest.model")

    assert caught.value.param == "generateContentRequest.model"


def test_a_body_that_names_no_model_is_left_alone() -> None:
    assert naming.one_model(body('{"contents":[]}'), "n") == {}
    assert naming.one_model(body('{"model":"m"}'), "n") == {"model": b'"models/n"'}


def test_a_request_in_a_request_is_renamed_within() -> None:
    given = body('{"generateContentRequest":{"model":"models/m", "contents":[]}}')

    changes = naming.naming_within("generateContentRequest")(given, "n")

    changed = json.loads(given.patched(changes))
    assert changed == {"generateContentRequest": {"model": "models/n", "contents": []}}
