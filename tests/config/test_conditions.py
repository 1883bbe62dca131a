from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from clinx.config.conditions import MAX_LENGTH, PARAM_NAMES, PRICE_NAMES, ConditionError, compile_condition

FACTS = {
    "model": "gpt-4o-mini",
    "group": "vip",
    "request": {"size": "1792x1024", "n": 2, "stream": True, "stop": ["a", "b"], "items": "mine", "nested": {"k": 1.5}},
}


@pytest.mark.parametrize(
    "source",
    [
        "request.size == '1792x1024'",
        "request['size'] != '1x1'",
        "request.n > 1 and request.n <= 2",
        "1 < request.n < 3",
        "request.n >= 3 or group == 'vip'",
        "not request.missing",
        "model.startswith('gpt-4') and model.endswith('mini')",
        "group in ['vip', 'staff']",
        "group not in ('default', 'free')",
        "'4o' in model",
        "'b' in request.stop",
        "'size' in request",
        "request.stop[0] == 'a' and request.stop[-1] == 'b'",
        "request.n is defined and request.missing is not defined",
        "request.stream",
        "request.nested.k > -2",
        "request.items == 'mine'",
        "model is match('^gpt-[0-9]') and model is search('mini$') and model is match('gpt-4o')",
        "request.n in range(1, 3) and request.n not in range(3, 9)",
        "request.n + 1 == 3 and request.n * 10 // 3 == 6 and 7 % request.n == 1 and 1 - 2 < 0 and 5 / 2 > 2",
        "model.startswith(['o3', 'gpt-']) and model.endswith(('-mini', '-nano'))",
        "model.rsplit('-', 1)[0] == 'gpt-4o' and model.split('-')[2] == 'mini'",
        "model.replace('mini', 'max').upper() == 'GPT-4O-MAX' and 'X'.lower() == 'x' and ' x '.strip() == 'x'",
        "model.removesuffix('-mini').removeprefix('gpt-') == '4o'",
        "model|upper == 'GPT-4O-MINI' and model|lower|length == 11 and request.stop|length == 2 and ' x'|trim == 'x'",
        "request.missing|default(7) == 7 and '12'|int == 12 and [3, request.n]|max == 3 and [3, request.n]|min == 2",
        "model ~ '@' ~ request.n == 'gpt-4o-mini@2'",
        "('a' if request.n > 1 else 'b') == 'a' and (request.missing or group) == 'vip'",
        "'10.1.2.3' is within('10.0.0.0/8', '::1/128') and '::ffff:10.1.2.3' is within('10.0.0.0/8')",
    ],
)
def test_what_holds(source: str) -> None:
    condition = compile_condition(source, PRICE_NAMES)

    assert condition(FACTS) is True
    assert condition.source == source


@pytest.mark.parametrize(
    "source",
    [
        "request.missing == 'x'",
        "5 < request.n < 9",
        "1 < request.n < 2",
        "request.missing != 'x'",
        "'x' != request.missing",
        "request.missing == request.absent or request.missing != request.absent",
        "request.missing > 1",
        "request.missing in ['x']",
        "request.missing not in ['x']",
        "'x' in request.missing",
        "request.missing.deeper[3].still == 1",
        "request.n.startswith('2')",
        "request.n > 'a'",
        "request.n == '2'",
        "request.stream == 1",
        "request.stop[7] == 'a'",
        "request.size['x'] == 1",
        "request[1] == 1",
        "1 in 'abc'",
        "1 in request",
        "model in 5",
        "request.keys",
        "request.__class__",
        "request.n is match('2')",
        "request.missing is search('')",
        "request.missing is within('0.0.0.0/0')",
        "model is within('0.0.0.0/0')",
        "true in range(0, 2) or 1.5 in range(0, 2)",
        "request.n // 0 == 0 or request.n % 0 == 0 or request.n / 0 == 0",
        "model * 2 == 'x' or 9999999999 * 9999999999 == 99999999980000000001",
        "request.n.upper() == '2'",
        "request.stop|lower == 'a' or 'x'|int == 0 or 'x'|max == 'x' or []|min == 0 or request.n|length == 1",
        "request.stop ~ 'x' == 'abx'",
        "model.split('') == []",
    ],
)
def test_what_a_request_does_not_say_or_says_in_another_type_is_false(source: str) -> None:
    assert compile_condition(source, PRICE_NAMES)(FACTS) is False
    assert compile_condition(source, PRICE_NAMES)({}) is False


@pytest.mark.parametrize(
    "source",
    [
        "10**(10**8)",
        "'a' * 1000000000",
        "-request.n < 1",
        "'a' + model",
        "'x'|center(1000000000)",
        "'%0500000000d'|format(1)",
        "request.__class__.__mro__()",
        "request.items()",
        "model.startswith('a', 'b')",
        "model.startswith(prefix='a')",
        "model.startswith(*request.stop)",
        "range(10)",
        "1 in range(request.n)",
        "1 in range(1, 2, 0)",
        "model is match(group)",
        "model is match('(?=x)')",
        "model is search('(')",
        "group is within('10.0.0.0/33')",
        "model|replace('a', 'b')",
        "model|lower(1)",
        "model.format(1)",
        "model.split()",
        "model if true",
        "{'a': 1}",
        "model[1:]",
        "request.n is divisibleby(2)",
        "request is defined(1)",
    ],
)
def test_what_could_cost_time_or_reach_an_object_is_refused_at_load(source: str) -> None:
    with pytest.raises(ConditionError):
        compile_condition(source, PRICE_NAMES)


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        ("requst.n > 1", 'unknown name "requst"', 'did you mean "request"?'),
        ("zzz", 'unknown name "zzz"', "known here: group, model, request"),
        ("model ==", "unexpected end of the expression", None),
        ("model }} {{ group", 'unexpected "}}" after the expression', None),
        ("model group", 'unexpected "group" after the expression', None),
        ("'unclosed", "unexpected char", None),
        ("", "unexpected end of the expression", None),
        ("model = 'x'", 'unexpected "=" after the expression', "to compare, write =="),
        ("(model = 'x')", "expected token ')', got '='", "to compare, write =="),
        ("{{ model == 'x' }}", "all of it is an expression, without braces", "leave out {{ and }}"),
        ("model.upper == 'X'", 'model is text and has no field "upper"', "call it: .upper(…)"),
        ("group == 7", "group is text, and never compares with 7", "in quotes: '7'"),
    ],
)
def test_what_is_no_condition_says_why(source: str, message: str, hint: str | None) -> None:
    with pytest.raises(ConditionError) as caught:
        compile_condition(source, PRICE_NAMES)

    assert str(caught.value).startswith(message)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    "source", ["x" * (MAX_LENGTH + 1), "(" * 1990 + "1", "not " * 400 + "model", "request" + ".a" * 500]
)
def test_length_and_depth_are_bounded(source: str) -> None:
    with pytest.raises(ConditionError, match=r"longer than|nested too deeply"):
        compile_condition(source, PRICE_NAMES)


def test_a_long_list_of_alternatives_is_not_deep() -> None:
    condition = compile_condition(" or ".join(["model=='x'"] * 130 + ["model=='y'"]), PARAM_NAMES)

    assert condition({"model": "y"})
    assert not condition({"model": "z"})


class Lazy(Mapping[str, object]):
    """A request whose members are made when they are asked for."""

    def __init__(self, members: Mapping[str, object]) -> None:
        self._members = members
        self.asked: list[str] = []

    def __getitem__(self, name: str) -> object:
        self.asked.append(name)
        return self._members[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


@pytest.mark.parametrize(
    ("source", "holds"),
    [
        ("request.size == '1792x1024' and request['n'] > 1", True),
        ("request.nested.deep[0].k == 1.5", True),
        ("request.nested.deep[0].k.further is defined", False),
        ("'b' in request.stop and 'size' in request and 'nothing' not in request", True),
        ("request.nothing is defined", False),
        ("request.null is defined and not request.null", True),
        ("request.nested", True),
        ("request", True),
        ("request == request.nested", False),
        ("request.nested == request.nested", True),
        ("request in [1, 'a']", False),
        ("request.keys or request._members", False),
    ],
)
def test_a_request_may_be_any_mapping_of_plain_values(source: str, holds: bool) -> None:
    nested = {"deep": ({"k": 1.5},)}
    request = Lazy({"size": "1792x1024", "n": 2, "stop": ["a", "b"], "null": None, "nested": nested})

    assert compile_condition(source, PRICE_NAMES)({"request": request}) is holds


def test_only_the_members_that_a_condition_names_are_asked_for() -> None:
    request = Lazy({"a": 1, "b": 2, "messages": []})

    assert compile_condition("request.a == 1 or request.b == 2", PRICE_NAMES)({"request": request})
    assert request.asked == ["a"]


def test_names_depend_on_where_the_condition_stands() -> None:
    with pytest.raises(ConditionError):
        compile_condition("stream", PRICE_NAMES)
    assert compile_condition("stream and operation == 'chat'", PARAM_NAMES)({"stream": True, "operation": "chat"})


def test_conditions_with_one_text_are_equal() -> None:
    assert compile_condition("model", PRICE_NAMES) == compile_condition("model", PRICE_NAMES)
    assert compile_condition("model", PRICE_NAMES) != compile_condition("group", PRICE_NAMES)


def test_a_condition_tells_which_names_of_the_tree_it_compares_with() -> None:
    condition = compile_condition("model == 'a' or group not in ['b', request.x] and model != request.y", PRICE_NAMES)

    assert condition.names == ((("model",), "a"), (("group",), "b"))
