from __future__ import annotations

import msgspec
import pytest

from clinx.dialects import lenient
from clinx.dialects.lenient import decode, mapping, member, object_in, reading_answer, sequence, text_in
from clinx.errors import UpstreamBroken

NUMBERS = msgspec.json.Decoder(dict[str, int | str])


def test_proper_json_is_read() -> None:
    assert lenient.decode(b'{"a":[1,"b",null]}') == {"a": [1, "b", None]}
    assert lenient.decode_as(NUMBERS, b'{"a":1}') == {"a": 1}


def test_a_lone_surrogate_stays() -> None:
    assert lenient.decode(b'"\\ud83d"') == "\ud83d"
    assert lenient.decode_as(NUMBERS, b'{"a":"\\ud83d"}') == {"a": "\ud83d"}


def test_bytes_that_are_no_utf_8_are_replaced() -> None:
    assert lenient.decode(memoryview(b'"a\xff"')) == "a\ufffd"
    assert lenient.decode_as(NUMBERS, b'{"a":"\xff"}') == {"a": "\ufffd"}


@pytest.mark.parametrize(
    "data", [b"", b"{", b"<html>", b"[NaN]", b"[" * 100_000, b'{"a":"\xff",}', b'["\xff",' + b"[" * 100_000]
)
def test_what_is_no_json_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        lenient.decode(data)
    with pytest.raises(ValueError):
        lenient.decode_as(NUMBERS, data)


@pytest.mark.parametrize("data", [b'{"a":' + b"[" * 100_000, b'{"a":"\xff","b":' + b"[" * 100_000])
def test_what_nests_too_deeply_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        lenient.decode_as(msgspec.json.Decoder(dict[str, object]), data)


@pytest.mark.parametrize("data", [b'{"a":[]}', b'{"a":[],"b":"\xff"}'])
def test_another_type_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="Expected"):
        lenient.decode_as(NUMBERS, data)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a":"\\ud83d\\ude00"}', {"a": "😀"}),
        (b'{"a":"x\\ud83d"}', {"a": "x?"}),
        (b'{"\\ude00":["\xff"]}', {"?": ["�"]}),
    ],
)
def test_what_is_decoded_clean_can_be_encoded_again(data: bytes, value: object) -> None:
    assert lenient.decode_clean(data) == value
    assert msgspec.json.decode(msgspec.json.encode(lenient.decode_clean(memoryview(data)))) == value


@pytest.mark.parametrize("data", [b"{", b"[NaN]", b"[" * 100_000, b'["\xff",' + b"[" * 100_000])
def test_what_is_no_json_cannot_be_cleaned(data: bytes) -> None:
    with pytest.raises(ValueError):
        lenient.decode_clean(data)


def test_text_without_surrogates_is_clean_as_it_is() -> None:
    data = '{"a" : "é\\n"}'.encode()

    assert lenient.clean(data) is data


@pytest.mark.parametrize("data", [b'{"a" : "\\ud83d"}', b'{"a" : "\\uD83D"}'])
def test_lone_surrogates_are_cleaned_away(data: bytes) -> None:
    assert lenient.clean(data) == b'{"a":"?"}'


class Counted(msgspec.Struct):
    a: int = 0


def test_a_member_that_is_not_looked_at_may_have_half_a_character_in_its_name() -> None:
    assert lenient.decode_as(msgspec.json.Decoder(Counted), b'{"\\ud83d":1,"a":2}') == Counted(2)


def test_what_was_decoded_can_be_encoded() -> None:
    assert lenient.encode({"a": "\ud83d"}) == b'{"a": "?"}'
    assert lenient.encode({"a": 1}) == b'{"a":1}'
    deep: object = 1
    for _ in range(5000):
        deep = [deep]
    assert lenient.encode(deep) == b"null"


def test_a_member_of_anything_may_be_asked_for() -> None:
    assert [member({"a": 1}, "a"), member({}, "a"), member([1], "a"), member("a", "a")] == [1, None, None, None]


def test_what_has_another_type_is_empty() -> None:
    assert [text_in(value) for value in ("a", 7, None)] == ["a", "", ""]
    assert [sequence([1]), sequence("a"), mapping({"a": 1}), mapping([])] == [[1], (), {"a": 1}, {}]


@pytest.mark.parametrize("document", [None, 1, "a", [{}]])
def test_an_object_may_be_demanded(document: object) -> None:
    assert object_in({"a": 1}) == {"a": 1}
    with pytest.raises(ValueError, match="not an object"):
        object_in(document)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"[" * 100_000])
def test_an_answer_that_cannot_be_read_is_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken, match="cannot be read"), reading_answer():
        object_in(decode(body))
