from __future__ import annotations

from typing import Any

import pytest

from clinx.policies.path import MAX_STEPS, Each, parse_path, spots


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("stop", ("stop",)),
        ("metadata.user_id", ("metadata", "user_id")),
        ("messages[0].content", ("messages", 0, "content")),
        ("messages[-1]", ("messages", -1)),
        ("tools[*].function.name", ("tools", Each(), "function", "name")),
        ("metadata['a.b'][\"c d\"]", ("metadata", "a.b", "c d")),
        ("$schema.x-y", ("$schema", "x-y")),
    ],
)
def test_a_path_is_read_step_by_step(text: str, steps: tuple[Any, ...]) -> None:
    path = parse_path(text)

    assert path.steps == steps
    assert path.top == steps[0]
    assert path.is_single == (Each() not in steps)


@pytest.mark.parametrize(
    "text", ["", ".a", "a.", "a..b", "[0]", "a[", "a[x]", "a[1.5]", "a b", "a['']", "a" + ".b" * MAX_STEPS]
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="path"):
        parse_path(text)


def test_spots_are_the_places_that_are_there() -> None:
    body: dict[str, object] = {"m": [{"c": 1}, {"d": 2}, "text"], "n": None}

    assert list(spots(body, ("m", Each(), "c"))) == [({"c": 1}, "c"), ({"d": 2}, "c")]
    assert list(spots(body, ("m", -1))) == [(body["m"], 2)]
    assert list(spots(body, ("m", 3))) == []
    assert list(spots(body, ("m", "c"))) == []
    assert list(spots(body, ("n", "x"))) == []
    assert body == {"m": [{"c": 1}, {"d": 2}, "text"], "n": None}


def test_maps_on_the_way_are_made_where_that_is_asked_for() -> None:
    body: dict[str, object] = {"n": None, "t": "text"}

    assert [key for _, key in spots(body, ("n", "x", "y"), grow=True)] == ["y"]
    assert list(spots(body, ("t", "x"), grow=True)) == []
    assert body == {"n": {"x": {}}, "t": "text"}


@pytest.mark.parametrize(
    ("text", "steps"), [("a.b", ()), ("a[*].b", ("a", Each())), ("a[*].b[*].c[0]", ("a", Each(), "b", Each()))]
)
def test_what_multiplies_places_is_the_way_up_to_the_last_each(text: str, steps: tuple[Any, ...]) -> None:
    assert parse_path(text).up_to_each == steps


@pytest.mark.parametrize(
    ("one", "other", "overlaps"),
    [("a", "a.b", True), ("a.b", "a", True), ("a", "a", True), ("a.b", "a.c", False), ("a", "b", False)],
)
def test_places_overlap_where_one_lies_in_the_other(one: str, other: str, *, overlaps: bool) -> None:
    assert parse_path(one).overlaps(parse_path(other)) is overlaps
