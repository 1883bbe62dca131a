"""Whatever a body looks like, a patch changes what it names and nothing else."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from clinx.dialects.body import JsonBody

SPACE = st.text(" \t\n\r", max_size=2)
NAMES = st.sampled_from(["a", "b", "model", "stream", 'q"', "back\\", "ü", "", "{", ","])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet='a"\\ü{}[],:', max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A JSON object as somebody may write it: any white space, escapes, and names more than once."""
    members = [
        "".join([draw(SPACE), spelled(draw, name), draw(SPACE), ":", draw(SPACE), spelled(draw, value), draw(SPACE)])
        for name, value in draw(st.lists(st.tuples(NAMES, VALUES), max_size=6))
    ]
    inside = ",".join(members) or draw(SPACE)
    return f"{draw(SPACE)}{{{inside}}}{draw(SPACE)}"


def spelled(draw: st.DrawFn, value: Any) -> str:
    separators = draw(st.sampled_from([(",", ":"), (" , ", "\t:\n")]))
    return json.dumps(value, ensure_ascii=draw(st.booleans()), separators=separators)


CHANGES = st.dictionaries(NAMES, st.none() | VALUES.map(lambda value: json.dumps(value).encode()), max_size=4)
RENAMES = st.dictionaries(NAMES, NAMES, max_size=3)


def renamed(members: dict[str, Any], rename: dict[str, str]) -> dict[str, Any]:
    """The rule, in the plainest words: who has the name keeps it, then who comes first gets it."""
    staying = {name for name in members if rename.get(name, name) == name}
    result: dict[str, Any] = {}
    for name, value in members.items():
        target = name if name in staying else rename[name]
        if name in staying or (target not in staying and target not in result):
            result[target] = value
    return result


@given(texts(), CHANGES, RENAMES)
def test_the_patched_body_holds_what_it_should(
    text: str, changes: dict[str, bytes | None], rename: dict[str, str]
) -> None:
    body = JsonBody.parse(text.encode())

    patched = json.loads(body.patched(changes, rename))

    expected = renamed(json.loads(text), rename)
    for name, value in changes.items():
        expected.pop(name, None) if value is None else expected.update({name: json.loads(value)})
    assert patched == expected
    assert set(patched) == set(expected)


@given(texts(), CHANGES)
def test_what_is_not_named_keeps_its_bytes_and_its_order(text: str, changes: dict[str, bytes | None]) -> None:
    body = JsonBody.parse(text.encode())

    patched = body.patched(changes)

    position = 0
    for name in body.names:
        if name not in changes:
            raw = body.raw(name)
            assert raw is not None
            position = patched.index(raw, position) + len(raw)


@given(texts())
def test_nothing_is_touched_without_a_reason(text: str) -> None:
    data = text.encode()
    pairs = json.loads(text, object_pairs_hook=list)
    unique = len({name for name, _ in pairs}) == len(pairs)

    assert (JsonBody.parse(data).patched({}) is data) is unique


@given(texts(), CHANGES)
def test_no_name_occurs_twice_in_what_is_sent(text: str, changes: dict[str, bytes | None]) -> None:
    pairs = json.loads(JsonBody.parse(text.encode()).patched(changes), object_pairs_hook=list)

    assert len({name for name, _ in pairs}) == len(pairs)
