from __future__ import annotations

import json
from decimal import Decimal

from clinx.config.document import parse
from clinx.config.nodes import Mark, Node, json_text, overlay, without_nulls


def node(text: str, name: str = "x.yaml") -> Node:
    root = parse(name, text.encode()).root
    assert root is not None
    return root


def test_maps_merge_lists_and_scalars_replace() -> None:
    merged = overlay(node("a: {b: 1, c: [1, 2]}\nd: 1\ne: {f: 1}"), node("a: {c: [3], g: 2}\nd: {h: 1}\ne: 5"))

    assert merged.plain() == {"a": {"b": 1, "c": [3], "g": 2}, "d": {"h": 1}, "e": 5}


def test_what_is_merged_still_knows_where_it_was_written() -> None:
    merged = overlay(node("a: {b: 1,\n c: 2}", "base.yaml"), node("a: {b: 3}", "over.yaml"))

    assert merged.at(("a", "b")) == Mark("over.yaml", 1, 8)
    assert merged.at(("a", "c")) == Mark("base.yaml", 2, 5)
    assert merged.key_at(("a", "c")) == Mark("base.yaml", 2, 2)
    assert merged.size == 4


def test_a_null_deletes_what_was_inherited_at_every_depth() -> None:
    merged = overlay(node("a: {b: 1, c: {d: 1, e: 2}}\nf: [1]"), node("a: {b: ~, c: {d: ~}}\nf: ~\ng: [~]"))

    assert without_nulls(merged).plain() == {"a": {"c": {"e": 2}}, "g": [None]}


def test_paths_that_lead_nowhere_stay_at_the_closest_parent() -> None:
    root = node("a:\n  - b: 1\n")

    assert root.at(()) == Mark("x.yaml", 1, 1)
    assert root.at(("a", 5)) == root.at(("a",)) == Mark("x.yaml", 2, 3)
    assert root.at(("a", "tag", 0, "b")) == Mark("x.yaml", 2, 8)
    assert root.key_at(("a", 0)) == Mark("x.yaml", 2, 5)
    assert root.key_at(("zzz", "a")) == Mark("x.yaml", 1, 1)


def test_json_keeps_the_digits_of_decimals() -> None:
    value = {"a": [1, Decimal("2.50"), None, True], "é": "\n", "n": Decimal("1E+3")}

    assert json_text(value) == b'{"a":[1,2.50,null,true],"\\u00e9":"\\n","n":1E+3}'
    assert json.loads(json_text(value)) == {"a": [1, 2.5, None, True], "é": "\n", "n": 1000}


def test_maps_and_lists_of_something_else_are_empty() -> None:
    root = node("a: [1]\nb: {c: 1}")

    assert root.map["a"].map == {}
    assert root.map["b"].items == []
    assert root.map["b"].child(0) is None
