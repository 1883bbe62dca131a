"""What a document says is what is compiled, however it is written."""

from __future__ import annotations

import io
import json
import tempfile
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from clinx.config.conditions import PRICE_NAMES, ConditionError, compile_condition
from clinx.config.document import parse
from clinx.config.nodes import json_text, overlay, without_nulls
from clinx.domain.pricing import Rates
from clinx.domain.usage import Unit
from support.tree import compile_files, findings

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["Cc"]), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers(-(10**12), 10**12) | TEXT
DATA = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=20
)
DOCUMENTS = st.dictionaries(TEXT.filter(lambda key: key != "<<"), DATA, max_size=5)


def without_merge_keys(value: Any) -> bool:
    if isinstance(value, dict):
        return "<<" not in value and all(map(without_merge_keys, value.values()))
    return not isinstance(value, list) or all(map(without_merge_keys, value))


@given(DOCUMENTS.filter(without_merge_keys))
@settings(max_examples=150, deadline=None)
def test_json_is_yaml(data: dict[str, Any]) -> None:
    document = parse("x.yaml", json.dumps(data, ensure_ascii=False).encode())

    assert document.diagnostics == ()
    assert document.root is not None
    assert document.root.plain() == data
    assert json.loads(json_text(document.root.plain())) == data


@given(DOCUMENTS.filter(without_merge_keys))
@settings(max_examples=100, deadline=None)
def test_what_a_yaml_writer_writes_is_read_back(data: dict[str, Any]) -> None:
    stream = io.StringIO()
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.dump(data, stream)

    document = parse("x.yaml", stream.getvalue().encode())

    assert document.diagnostics == ()
    assert document.root is not None
    assert document.root.plain() == data


@given(st.text(max_size=60) | st.text(alphabet="{}[]:,-&*<! \n#'\"|>?%@`ab1~", max_size=60))
@settings(max_examples=300, deadline=None)
def test_no_text_breaks_the_reader(text: str) -> None:
    document = parse("x.yaml", text.encode("utf-8", "surrogatepass"))

    assert document.root is not None or document.diagnostics
    assert all(each.line >= 1 and each.column >= 1 for each in document.diagnostics)


@given(st.decimals(min_value=0, max_value=10**9, places=9))
@settings(max_examples=200, deadline=None)
def test_an_unquoted_decimal_is_exactly_what_was_written(amount: Decimal) -> None:
    root = parse("x.yaml", f"a: {amount:f}".encode()).root

    assert root is not None
    assert Fraction(root.plain()["a"]) == Fraction(amount)


@given(DOCUMENTS, DOCUMENTS)
@settings(max_examples=100, deadline=None)
def test_in_inheritance_the_nearest_word_wins(far: dict[str, Any], near: dict[str, Any]) -> None:
    base, over = (parse("x.yaml", json.dumps(data).encode()).root for data in (far, near))
    assert base is not None
    assert over is not None

    merged = overlay(base, over)

    assert merged.plain().keys() == far.keys() | near.keys()
    assert all(merged.plain()[key] == value for key, value in near.items() if not isinstance(value, dict))
    assert all(merged.plain()[key] == value for key, value in far.items() if key not in near)
    assert overlay(base, base).plain() == base.plain()
    assert without_nulls(without_nulls(merged)).plain() == without_nulls(merged).plain()


@given(st.text(max_size=40) | st.text(alphabet="()[]{}.,'modelrequst =<>!inandor0123|+*~-", max_size=60))
@settings(max_examples=300, deadline=None)
def test_no_text_makes_a_condition_do_anything_but_decide(text: str) -> None:
    try:
        condition = compile_condition(text, PRICE_NAMES)
    except ConditionError:
        return

    assert condition({"model": "m", "request": {"n": 1}, "group": "g"}) in {True, False}
    assert condition({}) in {True, False}


AMOUNTS = st.decimals(min_value=0, max_value=10**6, places=6).map(lambda amount: f"{amount:f}")
TOKEN_UNITS = st.sampled_from([unit for unit in Unit if unit not in {Unit.IMAGE, Unit.SECOND, Unit.SEARCH, Unit.CALL}])
PRICES = st.dictionaries(TOKEN_UNITS, AMOUNTS, min_size=1, max_size=5)
NAMES = st.from_regex(r"[a-z][a-z0-9.-]{0,11}", fullmatch=True)


@given(
    st.dictionaries(NAMES, PRICES, min_size=1, max_size=4),
    st.dictionaries(NAMES, AMOUNTS, max_size=3),
    st.sampled_from([("1", 1), ("1k", 1000), ("1M", 10**6)]),
)
@settings(max_examples=40, deadline=None)
def test_every_price_and_multiplier_is_compiled_to_the_number_that_was_written(
    models: dict[str, dict[Unit, str]], groups: dict[str, str], per: tuple[str, int]
) -> None:
    document = {
        "groups": {name: {"multiplier": factor} for name, factor in groups.items()},
        "models": {name: {"price": {**price, "per": per[0]}} for name, price in models.items()},
        "channels": [{"name": "c", "provider": "echo", "models": list(models), "groups": ["default", *groups]}],
    }
    if "default" in groups:
        document["channels"][0]["groups"] = list(groups)  # type: ignore[index]
    with tempfile.TemporaryDirectory() as folder:
        snapshot = compile_files(Path(folder), {"gateway.yaml": json.dumps(document)}).snapshot

    for name, price in models.items():
        (rates,) = snapshot.models[name].price.tiers
        assert isinstance(rates, Rates)
        assert {unit: (rate.amount, rate.per) for unit, rate in rates.by_unit.items()} == {
            unit: (Fraction(amount), per[1]) for unit, amount in price.items()
        }
    assert {name: snapshot.groups[name].multiplier for name in groups} == {
        name: Fraction(factor) for name, factor in groups.items()
    }
    assert set(snapshot.routes.models("default")) == set(models)


@given(st.dictionaries(st.sampled_from(["version", "groups", "models", "channels", "server", "x"]), DATA, max_size=5))
@settings(max_examples=150, deadline=None)
def test_no_document_breaks_the_compiler(data: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = findings(Path(folder), {"gateway.yaml": json.dumps(data)})

    assert all(each.file == "gateway.yaml" and each.line == 1 for each in found)


WHOLE: dict[str, Any] = {
    "groups": {"vip": {"multiplier": 2}, "auto": {"tries": ["vip"]}},
    "models": {
        "m": {"price": {"input": 1, "per": "1M", "when": [{"if": "request.n > 1", "call": 1}]}},
        "n": {"price": [{"upto": "1k", "output": 1, "per": 1}, {"output": 2, "per": 1}], "max_output": 1},
        "o": {"ratio": {"model": 1, "cache": 1}},
    },
    "profiles": {"base": {"timeouts": {"idle": "1s"}, "headers": {"A": "b"}}},
    "channels": [
        {"name": "c", "extends": "base", "provider": "mine", "models": ["m", {"n": "x"}, "o"], "groups": ["vip"]},
        {
            "name": "d",
            "provider": "mine",
            "models": ["m"],
            "cost": {"call": 1},
            "settings": {"a": "b"},
            "set": {"s": 1},
        },
    ],
    "server": {"max_body": "1MiB", "cors": ["*"]},
}
MINE: dict[str, Any] = {
    "provider": "mine",
    "extends": "echo",
    "auth": {"headers": {"X-Key": "{{ key }}"}, "query": {"q": "{{ settings.a }}"}},
    "endpoints": {"chat": {"path": "/{{ model }}", "dialect": "openai_chat"}},
    "params": [{"drop": ["a"], "when": "model == 'x'"}],
    "settings": {"a": {"default": "b"}},
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, inner in steps for found in [(*path, key), *places(inner, (*path, key))]]


def spoilt(document: dict[str, Any], faults: list[tuple[tuple[Any, ...], Any]]) -> dict[str, Any]:
    copy = json.loads(json.dumps(document))
    for path, value in faults:
        node = copy
        try:
            for part in path[:-1]:
                node = node[part]
            node[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
        if isinstance(node, dict):
            node.setdefault("stray", value)
    return copy


@given(
    st.lists(st.tuples(st.sampled_from(places(WHOLE)), DATA), max_size=4),
    st.lists(st.tuples(st.sampled_from(places(MINE)), DATA), max_size=4),
)
@settings(max_examples=120, deadline=None)
def test_no_faults_together_break_the_compiler(
    tree: list[tuple[tuple[Any, ...], Any]], provider: list[tuple[tuple[Any, ...], Any]]
) -> None:
    files: dict[str, str | bytes] = {
        "gateway.yaml": json.dumps(spoilt(WHOLE, tree)),
        "providers/mine.yaml": json.dumps(spoilt(MINE, provider)),
    }
    with tempfile.TemporaryDirectory() as folder:
        found = findings(Path(folder), files)

    assert {each.file for each in found} <= {"gateway.yaml", "providers/mine.yaml"}
    assert tree or provider or [each.code for each in found] == ["W307"]
