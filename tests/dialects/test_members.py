from __future__ import annotations

import msgspec
import pytest

from clinx.dialects import members
from clinx.dialects.body import JsonBody
from clinx.errors import InvalidRequest


def body(text: str) -> JsonBody:
    return JsonBody.parse(text.encode("utf-8", "surrogatepass"))


def refusal(raised: pytest.ExceptionInfo[InvalidRequest]) -> tuple[str, str | None]:
    return raised.value.message, raised.value.param


def test_a_model_is_read() -> None:
    assert members.model(body('{"model":"openai/gpt-4o"}')) == "openai/gpt-4o"
    assert members.model(body(f'{{"model":"{"m" * 256}"}}')) == "m" * 256
    smile = "\\ud83d\\ude42"
    assert members.model(body(f'{{"model":"{smile * 256}"}}')) == "🙂" * 256


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("null", "Missing required parameter: 'model'."),
        ("3", "Invalid type for 'model': expected a string, but got a number instead."),
        ("true", "Invalid type for 'model': expected a string, but got a boolean instead."),
        ('["gpt"]', "Invalid type for 'model': expected a string, but got an array instead."),
        ('{"a":1}', "Invalid type for 'model': expected a string, but got an object instead."),
        ('""', "Invalid value for 'model': expected a name of 1 to 256 printable characters."),
        (f'"{"m" * 5000}"', "Invalid value for 'model': expected a name of 1 to 256 printable characters."),
        (f'"{"m" * 257}"', "Invalid value for 'model': expected a name of 1 to 256 printable characters."),
        ('"a\\nb"', "Invalid value for 'model': expected a name of 1 to 256 printable characters."),
    ],
)
def test_what_is_no_model_is_refused(value: str, message: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        members.model(body(f'{{"model":{value}}}'))

    assert refusal(raised) == (message, "model")


def test_a_body_without_model_is_refused() -> None:
    with pytest.raises(InvalidRequest) as raised:
        members.model(body("{}"))

    assert refusal(raised) == ("Missing required parameter: 'model'.", "model")


def test_null_is_not_given() -> None:
    assert [members.is_given(body('{"a":null,"b":0}'), name) for name in "abc"] == [False, True, False]


def test_a_flag_is_read() -> None:
    flags = body('{"a":true,"b":false,"c":null}')

    assert [members.boolean(flags, name) for name in "abcd"] == [True, False, False, False]


@pytest.mark.parametrize(("value", "kind"), [('"true"', "a string"), ("1", "a number"), ("[]", "an array")])
def test_what_is_no_flag_is_refused(value: str, kind: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        members.boolean(body(f'{{"stream":{value}}}'), "stream")

    assert refusal(raised) == (f"Invalid type for 'stream': expected a boolean, but got {kind} instead.", "stream")


def test_an_integer_is_read() -> None:
    numbers = body('{"a":1,"b":128,"c":null}')

    assert [members.integer(numbers, name, 1, 128) for name in "abcd"] == [1, 128, None, None]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("0", "Invalid value for 'n': expected an integer from 1 to 128, but got 0, which is out of range."),
        ("-1", "Invalid value for 'n': expected an integer from 1 to 128, but got -1, which is out of range."),
        ("129", "Invalid value for 'n': expected an integer from 1 to 128, but got 129, which is out of range."),
        (
            "9" * 4000,
            f"Invalid value for 'n': expected an integer from 1 to 128, but got {'9' * 24}, which is out of range.",
        ),
        (
            "9" * 5000,
            f"Invalid value for 'n': expected an integer from 1 to 128, but got {'9' * 24}, which is out of range.",
        ),
        ("1e999", "Invalid value for 'n': Number out of range."),
        ("1.0", "Invalid type for 'n': expected an integer, but got a decimal instead."),
        ("1e2", "Invalid type for 'n': expected an integer, but got a decimal instead."),
        ("true", "Invalid type for 'n': expected an integer, but got a boolean instead."),
        ('"1"', "Invalid type for 'n': expected an integer, but got a string instead."),
        ("{}", "Invalid type for 'n': expected an integer, but got an object instead."),
    ],
)
def test_what_is_no_integer_in_range_is_refused(value: str, message: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        members.integer(body(f'{{"n":{value}}}'), "n", 1, 128)

    assert refusal(raised) == (message, "n")


def test_an_object_is_read_as_a_body_of_its_own() -> None:
    found = members.members_of(body('{"a":{"b": 1},"c":null}'), "a")

    assert found is not None
    assert found.data == b'{"b": 1}'
    assert members.members_of(body('{"c":null}'), "c") is None


def test_what_is_no_object_is_refused() -> None:
    with pytest.raises(InvalidRequest) as raised:
        members.members_of(body('{"a":[]}'), "a")

    assert refusal(raised) == ("Invalid type for 'a': expected an object, but got an array instead.", "a")


def test_an_array_is_text_with_a_first_element() -> None:
    text = members.array(body('{"a":[ \n{"b" : 2}, 1.0]}'), "a")

    assert bytes(text) == b'[ \n{"b" : 2}, 1.0]'
    assert bytes(members.first(text)) == b'{"b" : 2}, 1.0]'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "Missing required parameter: 'a'."),
        ('{"a":null}', "Missing required parameter: 'a'."),
        ('{"a":"b"}', "Invalid type for 'a': expected an array, but got a string instead."),
        ('{"a":[ ]}', "Invalid value for 'a': expected an array with at least 1 element."),
    ],
)
def test_what_is_no_array_with_elements_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        members.array(body(text), "a")

    assert refusal(raised) == (message, "a")


TABLES = msgspec.json.Decoder(list[dict[str, int]])


def test_a_member_is_read_as_a_type() -> None:
    assert members.typed(body('{"a":[{"b":1}]}'), "a", TABLES) == [{"b": 1}]


@pytest.mark.parametrize("text", ["{}", '{"a":null}'])
def test_a_member_that_is_absent_has_no_type(text: str) -> None:
    assert members.typed(body(text), "a", TABLES) is None


@pytest.mark.parametrize(
    ("text", "message", "param"),
    [
        ('{"a":1}', "Invalid value for 'a': expected array, got int.", "a"),
        ('{"a":[{},{"b":"x"}]}', "Invalid value for 'a[1][...]': expected int, got str.", "a[1][...]"),
        ('{"a":[{"b":1e400}]}', "Invalid value for 'a[0][...]': number out of range.", "a[0][...]"),
    ],
)
def test_a_member_of_another_type_is_refused_where_it_differs(text: str, message: str, param: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        members.typed(body(text), "a", TABLES)

    assert refusal(raised) == (message, param)


def test_text_that_is_no_utf_8_is_refused_where_it_is_read() -> None:
    with pytest.raises(InvalidRequest) as raised:
        members.typed(JsonBody.parse(b'{"a":"\xff"}'), "a", msgspec.json.Decoder(str))

    assert refusal(raised) == ("Invalid value for 'a': expected JSON in UTF-8.", "a")
