from __future__ import annotations

from clinx.config.diagnostics import Diagnostic
from clinx.config.document import parse
from clinx.config.schema import ChannelShape, GatewayShape, ModelShape, Shape
from clinx.config.shape import read_shape


def read(text: str, shape: type[Shape]) -> tuple[Shape | None, list[str]]:
    root = parse("x.yaml", text.encode()).root
    assert root is not None
    found: list[Diagnostic] = []
    return read_shape(root, shape, found, frozenset({"limits"})), [str(each) for each in found]


def test_a_good_document_becomes_a_typed_value() -> None:
    value, found = read("{name: a, models: [m, {x: y}], weight: 2}", ChannelShape)

    assert found == []
    assert isinstance(value, ChannelShape)
    assert (value.name, value.models, value.weight) == ("a", ["m", {"x": "y"}], 2)


def test_keys_are_suggested_at_every_depth() -> None:
    assert read("channels: [{name: c, timeouts: {conect: 1s}}]", GatewayShape)[1] == [
        'x.yaml:1:33 E301 unknown key "conect" (did you mean "connect"?)'
    ]
    assert read("models: {m: {price: [{upot: 1, input: 1}]}}", GatewayShape)[1] == [
        'x.yaml:1:23 E301 unknown key "upot" (did you mean "upto"?)'
    ]
    assert read("price: {call: 1, when: [{if: a, cal: 1}]}", ModelShape)[1] == [
        'x.yaml:1:33 E301 unknown key "cal" (did you mean "call"?)'
    ]
    assert read("zzzzzz: 1", ModelShape)[1] == ['x.yaml:1:1 E301 unknown key "zzzzzz"']


def test_a_later_key_is_refused_and_the_rest_still_checked() -> None:
    value, found = read("{name: a, limits: {}, weight: x}", ChannelShape)

    assert value is None
    assert found == [
        'x.yaml:1:11 E304 "limits" is not supported by this release (remove it)',
        'x.yaml:1:31 E303 "weight": expected a whole number, not "x"',
    ]


def test_values_that_may_be_secrets_are_never_quoted() -> None:
    _, found = read("{name: a, credentials: [''], proxy: '', headers: {A: \"a\\nb\"}}", ChannelShape)

    assert found == [
        'x.yaml:1:25 E303 "credentials": must not be empty',
        'x.yaml:1:54 E303 "A": not of the expected form',
        'x.yaml:1:37 E303 "proxy": must not be empty',
    ]


def test_types_are_never_converted() -> None:
    _, found = read("{name: 5, weight: true, priority: '1', retry: {attempts: 2.0}, tags: a}", ChannelShape)

    assert sorted(line.split(" ", 1)[1] for line in found) == [
        'E303 "attempts": expected a whole number',
        'E303 "name": expected text (quote it)',
        'E303 "priority": expected a whole number, not "1"',
        'E303 "tags": expected a list, not "a"',
        'E303 "weight": expected a whole number, not true',
    ]
