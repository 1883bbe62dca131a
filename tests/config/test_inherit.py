from __future__ import annotations

import time

from clinx.config.diagnostics import Diagnostic
from clinx.config.document import parse
from clinx.config.inherit import Inheritance
from clinx.config.nodes import Node


def node(text: str) -> Node:
    root = parse("x.yaml", text.encode()).root
    assert root is not None
    return root


def inheritance(sources: str) -> Inheritance:
    return Inheritance(node(sources).map, "E203", "profile", ("name",), [])


def test_the_nearest_word_wins_and_identity_is_not_inherited() -> None:
    family = inheritance("a: {name: a, x: 1, y: {p: 1, q: 1}}\nb: {extends: a, y: {q: 2}}\nc: {x: 9, z: 3}")

    assert family.resolve(node("{extends: [b, c], y: {r: 4}}")).plain() == {
        "x": 9,
        "y": {"p": 1, "q": 2, "r": 4},
        "z": 3,
    }
    assert family.found == []


def test_without_extends_nothing_changes() -> None:
    alone = node("{x: 1}")

    assert inheritance("{}").resolve(alone) is alone


def test_what_is_not_a_name_is_left_to_the_schema() -> None:
    odd = node("{extends: 5}")

    assert inheritance("{}").resolve(odd) is odd


def test_an_unknown_name_is_a_finding_at_its_place() -> None:
    family = inheritance("base: {x: 1}")

    assert family.resolve(node("{extends: [base, bse]}")).plain() == {"x": 1}
    assert [str(each) for each in family.found] == ['x.yaml:1:18 E203 unknown profile "bse" (did you mean "base"?)']


def test_a_circle_is_a_finding_and_ends() -> None:
    family = inheritance("a: {extends: b, x: 1}\nb: {extends: a, y: 2}")

    family.resolve(node("{extends: a}"))

    assert [str(each) for each in family.found] == ["x.yaml:2:14 E207 profiles extend each other: a -> b -> a"]


def test_each_name_is_resolved_once_however_often_it_is_named() -> None:
    chain = "\n".join(f"p{i}: {{extends: [{', '.join([f'p{i - 1}'] * 8)}], k{i}: 1}}" for i in range(1, 15))
    family = inheritance(f"p0: {{x: 1}}\n{chain}")
    started = time.monotonic()

    assert len(family.resolve(node("{extends: p14}")).map) == 15
    assert time.monotonic() - started < 1


def test_depth_is_bounded() -> None:
    family = inheritance("p0: {x: 1}\n" + "\n".join(f"p{i}: {{extends: p{i - 1}}}" for i in range(1, 30)))

    family.resolve(node("{extends: p29}"))

    found: list[Diagnostic] = family.found
    assert [each.code for each in found] == ["E105"]
