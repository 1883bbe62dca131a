from __future__ import annotations

import tracemalloc

import msgspec
import pytest

from clinx.dialects.body import MAX_MEMBERS, MAX_NAMES, JsonBody
from clinx.dialects.density import MOST_VALUES
from clinx.errors import InvalidRequest

BODY = b' {"model" : "gpt",\n  "n": 1.50e0 ,"messages":[ {"a":1} ], "stream" :true }\n'


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "The request body is empty; expected a JSON object."),
        (b"[]", "The request body must be a JSON object."),
        (b"null", "The request body must be a JSON object."),
        (b'"text"', "The request body must be a JSON object."),
        (b"{", "The request body is not valid JSON: Input data was truncated."),
        (b"hello", "The request body is not valid JSON: invalid character (byte 0)."),
        (b'{"a":1} {}', "The request body is not valid JSON: trailing characters (byte 9)."),
        (b'{"a":NaN}', "The request body is not valid JSON: invalid character (byte 5)."),
        (b'\xef\xbb\xbf{"a":1}', "The request body is not valid JSON: invalid character (byte 0)."),
        (b'{"\xff":1}', "The request body is not valid JSON: text that is not UTF-8."),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "The request body is nested too deeply."),
    ],
    ids=["empty", "array", "null", "string", "half", "text", "trailing", "nan", "bom", "not utf-8 key", "deep"],
)
def test_a_body_that_is_no_json_object_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        JsonBody.parse(data)

    assert refused.value.message == message


def object_of(names: int, padding: int) -> bytes:
    return b'{"pad":"' + b"x" * padding + b'",' + b",".join(b'"%x":0' % place for place in range(1, names)) + b"}"


@pytest.mark.parametrize("padding", [0, MAX_NAMES])
def test_members_are_counted_however_large_the_body_is(padding: int) -> None:
    assert len(JsonBody.parse(object_of(MAX_MEMBERS, padding)).names) == MAX_MEMBERS
    with pytest.raises(InvalidRequest) as refused:
        JsonBody.parse(object_of(MAX_MEMBERS + 1, padding))

    assert refused.value.message == "The request body has too many members: expected at most 512."


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (object_of(1_000_000, 0), "The request body has too many members: expected at most 512."),
        (b'{"a":0' + b',"a":0' * 1_000_000 + b"}", "The request body has too many members: expected at most 512."),
        (
            b'{"' + b"\\u00fc" * 1_000_000 + b'":0}',
            "The request body has too long names: expected at most 16384 characters.",
        ),
    ],
    ids=["many names", "one name again and again", "a long name"],
)
def test_a_body_of_nothing_but_names_costs_next_to_nothing(data: bytes, message: str) -> None:
    tracemalloc.start()
    with pytest.raises(InvalidRequest) as refused:
        JsonBody.parse(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert refused.value.message == message
    assert peak < 16 * len(data)


def test_a_large_body_is_the_same_as_a_small_one() -> None:
    small = JsonBody.parse(b'{"a":1,"b":"x","a":2}')
    large = JsonBody.parse(b'{"a":1,"b":"' + b"x" * MAX_NAMES + b'","a":2}')

    assert small.names == large.names == ("a", "b")
    assert {type(name) for name in large.names} == {str}
    assert large.value("a") == 2


def test_a_member_has_a_place() -> None:
    body = JsonBody.parse(BODY)

    assert [BODY[place.start : place.stop] for place in map(body.place, body.names)] == [
        b'"gpt"',
        b"1.50e0",
        b'[ {"a":1} ]',
        b"true",
    ]
    assert len(body.place("x")) == 0
    assert len(JsonBody.parse(b'{"a":1,"a":1}').place("a")) == 0


def test_members_are_read_one_by_one() -> None:
    body = JsonBody.parse(BODY)

    assert body.names == ("model", "n", "messages", "stream")
    assert body.raw("n") == b"1.50e0"
    assert body.raw("messages") == b'[ {"a":1} ]'
    assert bytes(body.view("model")) == b'"gpt"'
    assert body.value("messages") == [{"a": 1}]
    assert body.value("stream") is True


def test_an_absent_member_is_none_and_empty() -> None:
    body = JsonBody.parse(b"{}")

    assert body.raw("model") is None
    assert bytes(body.view("model")) == b""
    assert body.value("model") is None


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (b'"\xff"', "text that is not UTF-8"),
        (b"1e999", "Number out of range"),
        (b"9" * 5000, "Integer value out of range"),
    ],
    ids=["not utf-8", "float", "integer"],
)
def test_a_value_that_cannot_be_decoded_is_refused_when_it_is_asked_for(value: bytes, fault: str) -> None:
    body = JsonBody.parse(b'{"n":' + value + b"}")

    with pytest.raises(InvalidRequest) as refused:
        body.value("n")

    assert refused.value.message == f"Invalid value for 'n': {fault}."
    assert refused.value.param == "n"
    assert body.patched({}) == b'{"n":' + value + b"}"


def test_without_changes_the_body_is_the_very_bytes_that_came() -> None:
    assert JsonBody.parse(BODY).patched({}) is BODY


@pytest.mark.parametrize(
    ("changes", "rename", "expected"),
    [
        ({"n": b"2"}, {}, b' {"model" : "gpt",\n  "n": 2 ,"messages":[ {"a":1} ], "stream" :true }\n'),
        ({"model": None}, {}, b' {"n": 1.50e0 ,"messages":[ {"a":1} ], "stream" :true }\n'),
        ({"n": None}, {}, b' {"model" : "gpt" ,"messages":[ {"a":1} ], "stream" :true }\n'),
        ({"stream": None}, {}, b' {"model" : "gpt",\n  "n": 1.50e0 ,"messages":[ {"a":1} ] }\n'),
        ({"x": b"[]"}, {}, b' {"model" : "gpt",\n  "n": 1.50e0 ,"messages":[ {"a":1} ], "stream" :true,"x":[] }\n'),
        ({"x": None}, {}, BODY),
        ({}, {"n": "k"}, b' {"model" : "gpt",\n  "k": 1.50e0 ,"messages":[ {"a":1} ], "stream" :true }\n'),
        ({"k": b"3"}, {"n": "k"}, b' {"model" : "gpt",\n  "k": 3 ,"messages":[ {"a":1} ], "stream" :true }\n'),
        ({"k": None}, {"n": "k"}, b' {"model" : "gpt" ,"messages":[ {"a":1} ], "stream" :true }\n'),
        ({}, {"n": "stream"}, b' {"model" : "gpt" ,"messages":[ {"a":1} ], "stream" :true }\n'),
        (
            {},
            {"n": "model", "model": "n"},
            b' {"n" : "gpt",\n  "model": 1.50e0 ,"messages":[ {"a":1} ], "stream" :true }\n',
        ),
        ({}, {"n": "k", "model": "k"}, b' {"k" : "gpt" ,"messages":[ {"a":1} ], "stream" :true }\n'),
        ({}, {"absent": "k"}, BODY),
        (
            {"n": b"2"},
            {"n": "k"},
            b' {"model" : "gpt",\n  "k": 1.50e0 ,"messages":[ {"a":1} ], "stream" :true,"n":2 }\n',
        ),
        (dict.fromkeys(("model", "n", "messages", "stream")), {}, b" { }\n"),
        ({**dict.fromkeys(("model", "n", "messages", "stream")), "x": b"1", "y": b"2"}, {}, b' {"x":1,"y":2 }\n'),
    ],
    ids=[
        "replace",
        "delete first",
        "delete middle",
        "delete last",
        "append",
        "delete absent",
        "rename",
        "rename and replace",
        "rename and delete",
        "rename to a name that is there",
        "swap names",
        "two to one name",
        "rename absent",
        "the old name is free again",
        "delete all",
        "delete all and append",
    ],
)
def test_only_what_changes_is_touched(
    changes: dict[str, bytes | None], rename: dict[str, str], expected: bytes
) -> None:
    assert JsonBody.parse(BODY).patched(changes, rename) == expected


def test_an_empty_object_takes_new_members() -> None:
    assert JsonBody.parse(b"{ }").patched({"a": b"1", "b": b"2"}) == b'{"a":1,"b":2 }'


@pytest.mark.parametrize(
    "data",
    [
        b'{"model":"cheap","n":1,"model":"dear"}',
        b'{"model":"dear","n":1,"model":"dear"}',
        b'{"model":"cheap","model":"dear","n":1}',
        b'{"mod\\u0065l":"cheap","model":"dear","n":1}',
    ],
)
def test_of_a_name_that_occurs_twice_only_the_value_we_decided_upon_is_sent(data: bytes) -> None:
    body = JsonBody.parse(data)

    assert body.value("model") == "dear"
    assert body.patched({}) == b'{"model":"dear","n":1}'
    assert body.patched({"n": b"2"}) == b'{"model":"dear","n":2}'


def test_an_escaped_name_is_the_same_name() -> None:
    body = JsonBody.parse(b'{"mod\\u0065l":"a","\\"":1}')

    assert body.patched({"model": b'"b"', '"': b"2"}) == b'{"mod\\u0065l":"b","\\"":2}'


def test_bytes_that_are_no_utf_8_pass_through() -> None:
    body = JsonBody.parse(b'{"model":"a","text":"\xff\xfe"}')

    assert body.patched({"model": b'"b"'}) == b'{"model":"b","text":"\xff\xfe"}'


def test_a_member_that_nests_too_deeply_from_here_is_refused() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000

    with pytest.raises(InvalidRequest) as refused:
        JsonBody(b"", {"n": msgspec.Raw(deep)}).value("n")

    assert refused.value.message == "Invalid value for 'n': nested too deeply."


def test_a_name_may_be_very_long() -> None:
    name = b'"' + b"\\\\x" * (MAX_NAMES // 2) + b'"'

    assert JsonBody.parse(b"{" + name + b":1}").patched({"a": b"2"}) == b"{" + name + b':1,"a":2}'


def test_what_is_too_dense_to_be_taken_apart_is_refused_by_its_name() -> None:
    body = JsonBody.parse(b'{"a": [' + b"{}," * MOST_VALUES + b'{}], "b": "' + b"[]," * MOST_VALUES + b'"}')

    with pytest.raises(InvalidRequest, match="'a': more than 100000 values") as refused:
        body.value("a")

    assert refused.value.param == "a"
    assert body.value("b") == "[]," * MOST_VALUES
