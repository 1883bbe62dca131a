from __future__ import annotations

import difflib

import pytest

from clinx.config.editing import EditError, Path, deleted, replaced, written

TEXT = """\
version: 1            # always
models:
  m: {price: {input: "1"}}   # cheap
  t:
    price:
      - {upto: 1k, input: "1"}
      - {input: "2"}
profiles:
  p:
    timeouts: {connect: 1s,
      idle: 2s}        # both
empty:
channels:
  - name: a            # first
    note: |
      long
      text

    models:
      - x   # why
      - y
    weight: 3          # share
  # between
  - {name: b, models: [z]}
server:
  cors:
    - "*"
"""


def difference(after: str) -> list[str]:
    lines = difflib.unified_diff(TEXT.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("channels", 0, "weight"), "5", ["-    weight: 3          # share", "+    weight: 5          # share"]),
        (("channels", 0, "limits", "rpm"), "5", ["+    limits: {rpm: 5}"]),
        (("channels", 0, "note"), "done", ["-    note: |", "-      long", "-      text", "+    note: done"]),
        (("channels", 1, "weight"), "5", ["-  - {name: b, models: [z]}", "+  - {name: b, models: [z], weight: 5}"]),
        (
            ("models", "m", "price", "input"),
            '"2.50"',
            ['-  m: {price: {input: "1"}}   # cheap', '+  m: {price: {input: "2.50"}}   # cheap'],
        ),
        (("models", "t", "price", 1, "output"), '"9"', ['-      - {input: "2"}', '+      - {input: "2", output: "9"}']),
        (("models", "gpt 4.1", "price"), "free", ['+  "gpt 4.1": {price: free}']),
        (
            ("profiles", "p", "timeouts", "idle"),
            "9s",
            ["-      idle: 2s}        # both", "+      idle: 9s}        # both"],
        ),
        (("server", "cors"), "[]", ["-  cors:", '-    - "*"', "+  cors: []"]),
        (("empty", "a"), "1", ["+  a: 1"]),
        (("empty",), "{}", ["-empty:", "+empty: {}"]),
        (("new", "a"), "1", ["+new: {a: 1}"]),
        (("version",), "1", []),
    ],
)
def test_only_what_is_changed_is_touched(path: Path, value: str, expected: list[str]) -> None:
    assert difference(replaced(TEXT, path, value)) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("channels", 0, "weight"), ["-    weight: 3          # share"]),
        (("channels", 0, "name"), ["-  - name: a            # first", "-    note: |", "+  - note: |"]),
        (("channels", 1), ["-  - {name: b, models: [z]}"]),
        (("channels", 1, "models"), ["-  - {name: b, models: [z]}", "+  - {name: b}"]),
        (("channels", 1, "name"), ["-  - {name: b, models: [z]}", "+  - {models: [z]}"]),
        (("models", "m", "price", "input"), ['-  m: {price: {input: "1"}}   # cheap', "+  m: {price: {}}   # cheap"]),
        (("server", "cors", 0), ["-  cors:", '-    - "*"', "+  cors: []"]),
    ],
)
def test_only_what_is_deleted_is_gone(path: Path, expected: list[str]) -> None:
    assert difference(deleted(TEXT, path)) == expected


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("channels", 0, "models"), "[x]"),  # a comment would be lost
        (("channels", 0, "weight"), "a: b"),
        (("channels", 0, "weight"), "1\nname: z"),
        (("channels", 0, "weight"), ""),
        (("channels", 1, "weight"), "[1"),
        (("channels", 1, "tags"), "a, b"),  # in a flow map it would be two entries
        (("channels", 7, "weight"), "1"),
        (("version", "deeper"), "1"),
    ],
)
def test_what_cannot_be_written_there_is_refused(path: Path, value: str) -> None:
    with pytest.raises(EditError):
        replaced(TEXT, path, value)


@pytest.mark.parametrize("path", [("nothing",), ("channels", 5), ("version", "deeper"), ("models", "x", "price")])
def test_what_is_not_there_cannot_be_deleted(path: Path) -> None:
    with pytest.raises(EditError):
        deleted(TEXT, path)


def test_a_value_that_others_share_is_not_changed_for_them() -> None:
    with pytest.raises(EditError):
        replaced("a: &x {b: 1}\nc: *x\n", ("a", "b"), "2")


@pytest.mark.parametrize(
    ("key", "text"), [("gpt-4.1", "gpt-4.1"), ("a b", '"a b"'), ("true", '"true"'), ('"', '"\\""')]
)
def test_keys_are_quoted_where_they_must_be(key: str, text: str) -> None:
    assert written(key) == text
