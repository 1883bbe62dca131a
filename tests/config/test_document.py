# ruff: noqa: E501  (one case a line)
from __future__ import annotations

import time
from decimal import Decimal

import pytest
from ruamel.yaml.scanner import Scanner

from clinx.config.document import MAX_DEPTH, MAX_NODES, DocumentReader, parse
from clinx.config.nodes import Mark


def found(text: str | bytes) -> list[str]:
    return [str(each) for each in parse("x.yaml", text if isinstance(text, bytes) else text.encode()).diagnostics]


def plain(text: str) -> object:
    document = parse("x.yaml", text.encode())
    assert document.diagnostics == ()
    assert document.root is not None
    return document.root.plain()


def test_scalars_mean_what_yaml_1_2_says() -> None:
    text = "[on, NO, yes, 1:30, 2026-01-01, 017, 0o17, 0x1F, -3, true, False, null, ~, '5', \"true\", <x>, ., -, +a]"

    assert plain(text) == [
        "on", "NO", "yes", "1:30", "2026-01-01", 17, 15, 31, -3, True, False, None, None, "5", "true", "<x>", ".", "-", "+a",
    ]  # fmt: skip


def test_decimals_keep_their_text() -> None:
    numbers = plain("[2.50, 1e3, .5, 0.1, 3.]")

    assert [str(number) for number in numbers] == ["2.50", "1E+3", "0.5", "0.1", "3"]  # type: ignore[attr-defined]
    assert all(isinstance(number, Decimal) for number in numbers)  # type: ignore[attr-defined]


def test_every_key_and_value_knows_its_place() -> None:
    root = parse("x.yaml", b"a:\n  - b: 1\n    c: [2,\n      3]\n").root
    assert root is not None

    assert root.at(("a", 0, "c", 1)) == Mark("x.yaml", 4, 7)
    assert root.key_at(("a", 0, "c")) == Mark("x.yaml", 3, 5)
    assert root.at(("a", 0, "missing")) == Mark("x.yaml", 2, 5)


def test_an_empty_document_is_an_empty_map() -> None:
    assert plain("") == {}
    assert plain("# only a comment\n") == {}
    assert plain("---\n") == {}
    assert plain("\ufeffa: 1") == {"a": 1}


def test_merge_keys_merge_and_own_keys_win() -> None:
    text = "a: &a {x: 1, y: {z: 2}}\nb: &b {x: 3, w: 4}\nc: {<<: [*a, *b], x: 5}\nd: {<<: *b, w: 6}"

    assert plain(text) == {
        "a": {"x": 1, "y": {"z": 2}},
        "b": {"x": 3, "w": 4},
        "c": {"x": 5, "y": {"z": 2}, "w": 4},
        "d": {"w": 6, "x": 3},
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3", ['x.yaml:3:1 E102 key "a" is already on line 1']),
        ("a: !!python/object:os.system {}", ['x.yaml:1:4 E103 tag "tag:yaml.org,2002:python/object:os.system" is refused (a tree is plain data)']),
        ("a: !!binary aGk=", ['x.yaml:1:4 E103 tag "tag:yaml.org,2002:binary" is refused (a tree is plain data)']),
        ("a: !own x", ['x.yaml:1:4 E103 tag "!own" is refused (a tree is plain data)']),
        ("a: 1\n---\nb: 2", ["x.yaml:2:1 E104 more than one document in a file"]),
        ("1.5: x", ["x.yaml:1:1 E106 key 1.5 is not a string (quote it)"]),
        ("~: x", ["x.yaml:1:1 E106 key ~ is not a string (quote it)"]),
        ("? [a]\n: x", ["x.yaml:1:3 E106 a key must be a string, not a list or map"]),
        ("b: &b {c: 1}\n*b : x", ["x.yaml:2:1 E106 a key must be a string, not a list or map"]),
        ("a: .nan", ["x.yaml:1:4 E107 .nan is not a number one can count with"]),
        ("a: -.INF", ["x.yaml:1:4 E107 -.INF is not a number one can count with"]),
        ("a: " + "9" * 41, ["x.yaml:1:4 E107 a number of more than 40 characters"]),
        ("a: *b", ['x.yaml:1:4 E101 no anchor "b" is complete here']),
        ("a: &a [*a]", ['x.yaml:1:8 E101 no anchor "a" is complete here']),
        ("a: {<<: 1}", ['x.yaml:1:9 E101 "<<" takes a map or a list of maps']),
        ("a: b: c", ["x.yaml:1:5 E101 mapping values are not allowed here"]),
        ("a: 'x", ["x.yaml:1:6 E101 while scanning a quoted scalar, found unexpected end of stream"]),
        ("a:\n\t- b", ["x.yaml:2:1 E101 while scanning for the next token, found character '\\t' that cannot start any token"]),
        ('"\\UFFFFFFFF": 1', ["x.yaml:1:1 E101 not readable as YAML"]),
        (b"a: 1\nb: \xff", ["x.yaml:2:1 E108 not UTF-8 text"]),
        (b"a: 1\nb: \x00", ["x.yaml:2:4 E101 character U+0000 is not allowed in YAML"]),
    ],
)  # fmt: skip
def test_what_a_tree_may_not_hold(text: str | bytes, expected: list[str]) -> None:
    assert found(text) == expected


def test_findings_before_a_fatal_one_are_kept() -> None:
    assert [each.split()[1] for each in found("a: 1\na: 2\nb: *c")] == ["E102", "E101"]


NESTED = {
    "brackets": "[" * 100_000,
    "braces": "a: " + "{a: " * 5000,
    "dashes": "a:\n" + "- " * 5000 + "x",
    "question marks": "? " * 3000 + "x",
}


@pytest.mark.parametrize("text", NESTED.values(), ids=NESTED.keys())
def test_deep_nesting_is_refused_at_once(text: str) -> None:
    started = time.monotonic()

    assert [each.split(" ", 1)[1] for each in found(text)] == ["E105 nested deeper than 64 levels"]
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("bracket", ["[", "{", "[{"])
def test_brackets_are_not_read_to_the_end_before_they_are_found_to_be_too_deep(
    bracket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work is bounded, whatever the machine: no more tokens are fetched than levels are allowed."""
    fetched, looked = 0, 0
    fetch, stale = Scanner.fetch_more_tokens, Scanner.stale_possible_simple_keys

    def fetching(scanner: Scanner) -> object:
        nonlocal fetched
        fetched += 1
        return fetch(scanner)

    def looking(scanner: Scanner) -> None:
        nonlocal looked
        looked += len(scanner.possible_simple_keys)
        stale(scanner)

    monkeypatch.setattr(Scanner, "fetch_more_tokens", fetching)
    monkeypatch.setattr(Scanner, "stale_possible_simple_keys", looking)

    assert [each.split()[1] for each in found(bracket * 150_000)] == ["E105"]
    assert fetched <= MAX_DEPTH + 2
    assert looked <= 2 * MAX_DEPTH**2


def test_a_value_may_be_nested_as_deep_as_is_allowed() -> None:
    assert found("[" * MAX_DEPTH + "]" * MAX_DEPTH) == []
    assert found("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)) == ["x.yaml:1:65 E105 nested deeper than 64 levels"]


def laughs(line: str) -> str:
    """A chain of anchors, each of which names the one before nine times."""
    names = "abcdefghijklmnop"
    chain = [line.format(name=names[i], all=", ".join([f"*{names[i - 1]}"] * 9), i=i) for i in range(1, len(names))]
    return "\n".join(["a: &a {k: [1, 2, 3]}", *chain])


@pytest.mark.parametrize("line", ["{name}: &{name} [{all}]", "{name}: &{name} {{<<: [{all}], k{i}: 1}}"])
def test_a_bomb_of_aliases_costs_nothing(line: str) -> None:
    started = time.monotonic()

    assert [each.split(" ")[1] for each in found(laughs(line))] == ["E105"]
    assert time.monotonic() - started < 0.5


def test_aliases_that_expand_to_little_are_fine() -> None:
    text = "base: &base [x, y]\nall: [" + ", ".join(["*base"] * 100) + "]"

    root = parse("x.yaml", text.encode()).root
    assert root is not None
    assert len(root.map["all"].items) == 100
    assert root.size == 1 + 3 + 1 + 300


def test_an_alias_of_a_scalar_may_stand_anywhere_even_as_a_key() -> None:
    assert plain("a: &x key\nb: *x\n*x : 1\nc: [*x]") == {"a": "key", "b": "key", "key": 1, "c": ["key"]}


def test_a_flat_flood_of_values_is_refused() -> None:
    assert found("a: [" + "1," * (MAX_NODES + 1) + "]")[0].split(" ")[1] == "E105"


def test_a_reader_reads_unchanged_bytes_once() -> None:
    reader = DocumentReader()
    first = reader.read("x.yaml", b"a: 1")

    assert reader.read("x.yaml", b"a: 1") is first
    assert reader.read("x.yaml", b"a: 2") is not first
    assert reader.read("y.yaml", b"a: 1") is not first
