"""Rules are found by what they test, and that is only a faster way to try every one of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from clinx.config.conditions import POLICY_NAMES, compile_condition
from clinx.policies.edits import Add, Delete, Edit, SetTo, Transfer
from clinx.policies.index import Index
from clinx.policies.judge import judge
from clinx.policies.path import parse_path
from clinx.policies.policy_set import PolicySet
from clinx.policies.rule import Rewrite, Rule
from support.policies import facts

TEXTS = st.sampled_from(["a", "b", "ab"])
VALUES = TEXTS | st.sampled_from([1, True, None])
PATHS = st.sampled_from(["x", "y", "deep.x", "deep.deep.y"])
TESTS = st.one_of(
    st.builds("{} == '{}'".format, st.sampled_from(["model", "group", "request.x", "request.deep.x"]), TEXTS),
    st.builds("request.{} in ['{}', 1, true]".format, PATHS, TEXTS),
    st.builds("request.{}.startswith('{}')".format, PATHS, TEXTS),
    st.builds("request.{}.endswith(['{}', 'b'])".format, PATHS, TEXTS),
    st.builds("request.{} is {}defined".format, PATHS, st.sampled_from(["", "not "])),
    st.builds("request.{} != '{}'".format, PATHS, TEXTS),
    st.builds("model is match('^{}')".format, TEXTS),
    PATHS.map("request.{}".format),
)
CONDITIONS = TESTS | st.builds("{} {} {}".format, TESTS, st.sampled_from(["and", "or"]), TESTS)


def _set(path: str, value: object) -> Edit:
    return SetTo(parse_path(path), lambda _: value)


def _add(path: str, value: object) -> Edit:
    return Add(parse_path(path), lambda _: value, front=True)


def _move(source: str, target: str) -> Edit:
    return Transfer(parse_path(source), parse_path(target), moves=True)


EDITS = st.one_of(
    st.builds(_set, PATHS, VALUES),
    st.builds(_add, PATHS, TEXTS),
    st.builds(_move, PATHS, PATHS),
    PATHS.map(lambda path: Delete(parse_path(path))),
)


def _rule(name: int, source: str, edits: list[Edit], model: str | None) -> Rule:
    when = compile_condition(source, POLICY_NAMES)
    rename = None if model is None else (lambda _: model)
    return Rule(f"r{name}", Rewrite(rename, tuple(edits)), "rewrite", when, when.anchors)


RULES = st.lists(st.tuples(CONDITIONS, st.lists(EDITS, max_size=2), st.none() | TEXTS), max_size=8).map(
    lambda parts: [_rule(name, *part) for name, part in enumerate(parts)]
)
DEEP = st.fixed_dictionaries({}, optional={"x": VALUES, "deep": st.fixed_dictionaries({}, optional={"y": VALUES})})
BODIES = st.fixed_dictionaries({}, optional={"x": VALUES, "y": VALUES, "deep": DEEP | VALUES})


@settings(max_examples=300, deadline=None)
@given(RULES, BODIES, TEXTS, TEXTS)
def test_judging_by_the_index_is_judging_by_every_rule(
    rules: list[Rule], body: dict[str, Any], model: str, group: str
) -> None:
    seen = facts(body, model=model, group=group)
    found = PolicySet.build(rules)
    tried = replace(found, index=Index.build([replace(rule, anchors=()) for rule in rules]))

    assert judge(found, seen) == judge(tried, seen)
