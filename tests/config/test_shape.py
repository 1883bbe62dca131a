from __future__ import annotations

from clinx.config.diagnostics import Diagnostic
from clinx.config.document import parse
from clinx.config.policy_schema import AllowShape, LimitShape
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


def test_a_misspelt_key_is_not_missing_as_well() -> None:
    assert read("{nmae: a, models: [m]}", ChannelShape)[1] == [
        'x.yaml:1:2 E301 unknown key "nmae" (did you mean "name"?)'
    ]
    assert read("{wieght: 1, models: [m]}", ChannelShape)[1] == [
        'x.yaml:1:1 E302 missing key "name"',
        'x.yaml:1:2 E301 unknown key "wieght" (did you mean "weight"?)',
    ]


def test_of_several_forms_of_a_value_that_of_another_type_is_not_spoken_of() -> None:
    one_of = "input should be 'user', 'token', 'group', 'model', 'channel' or 'address'"

    assert read("of: usr", LimitShape)[1] == [f'x.yaml:1:5 E303 "of": {one_of}, not "usr"']
    assert read("of: [user, tokn]", LimitShape)[1] == [f'x.yaml:1:12 E303 "of": {one_of}, not "tokn"']
    assert read("of: []", LimitShape)[1] == ['x.yaml:1:5 E303 "of": must not be empty']


def test_a_form_is_told_by_what_it_must_look_like() -> None:
    assert read("hours: 8-20", AllowShape)[1] == [
        'x.yaml:1:8 E303 "hours": expected a window such as 08:00-20:00, not "8-20"'
    ]
    assert read("models: [a b]", AllowShape)[1] == [
        'x.yaml:1:10 E303 "models": expected up to 200 characters without spaces, ? and brackets, not "a b"'
    ]
