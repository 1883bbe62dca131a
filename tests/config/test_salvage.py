from __future__ import annotations

from typing import Any

import pytest

from clinx.config.diagnostics import Diagnostic
from clinx.config.document import parse
from clinx.config.nodes import Node
from clinx.config.provider_schema import ProviderShape
from clinx.config.salvage import independent, salvage
from clinx.config.schema import ChannelShape, ModelShape, Shape


def node(text: str) -> Node:
    root = parse("x.yaml", text.encode()).root
    assert root is not None
    return root


def rest(text: str, shape: type[Shape]) -> Any:
    left = salvage(node(text), shape)
    return left[0].plain() if left is not None else None


@pytest.mark.parametrize(
    ("text", "shape", "expected"),
    [
        ("{name: a, weight: 2}", ChannelShape, {"name": "a", "weight": 2}),
        ("{name: a, wieght: 2}", ChannelShape, {"name": "a"}),
        ("{name: 7, weight: x, tags: [b]}", ChannelShape, {"name": "unnamed", "tags": ["b"]}),
        ("{name: a, models: [[], m, 5, {x: 1, y: z}, {}]}", ChannelShape, {"name": "a", "models": ["m", {"y": "z"}]}),
        ("{name: a, headers: {'a b': x, c: d}}", ChannelShape, {"name": "a", "headers": {"c": "d"}}),
        ("{name: a, timeouts: {idle: 3, total: 1s, x: y}}", ChannelShape, {"name": "a", "timeouts": {"total": "1s"}}),
        ("{name: a, retry: 5}", ChannelShape, {"name": "a"}),
        ("{name: a, models: [5]}", ChannelShape, {"name": "a"}),
        ("{endpoints: {chat: {}}}", ProviderShape, {"provider": "unnamed", "endpoints": {"chat": {"path": "/"}}}),
        ("{price: {call: 1, when: [{call: 2}, {if: a}]}}", ModelShape, {"price": {"call": 1, "when": [{"if": "a"}]}}),
        ("{ratio: {cache: 1}, context: 1k}", ModelShape, {"context": "1k"}),
    ],
)
def test_the_sound_rest_is_what_is_left_without_the_broken_parts(text: str, shape: type[Shape], expected: Any) -> None:
    assert rest(text, shape) == expected


@pytest.mark.parametrize("text", ["[]", "5", "x"])
def test_of_what_is_no_map_nothing_is_left(text: str) -> None:
    assert rest(text, ChannelShape) is None


def test_what_is_left_stays_where_it_was_written() -> None:
    left = salvage(node("name: a\nmodels: [5, m]\nwieght: 1\ntags: [b]"), ChannelShape)

    assert left is not None
    assert (left[0].at(("models", 0)).line, left[0].at(("models", 0)).column) == (2, 13)
    assert left[0].key_at(("tags",)).line == 4


def test_findings_that_may_come_from_what_was_left_out_are_dropped() -> None:
    codes = ["E201", "E205", "E212", "E302", "E303", "E305", "E401", "W308"]
    found = [Diagnostic("x.yaml", 1, 1, code, "said") for code in codes]

    assert [each.code for each in independent(found)] == ["E201", "E303", "E401"]
