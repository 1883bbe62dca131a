from __future__ import annotations

import msgspec
import pytest

from clinx.dialects import lenient

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
