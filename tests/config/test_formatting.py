from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clinx.config.diagnostics import ConfigError
from clinx.config.document import parse
from clinx.config.formatting import comments, formatted
from clinx.config.tree import default_tree
from support.tree import compile_files

MESSY = """\


version:   1
groups:


    default: { multiplier: 1 }   # c1
    vip:
      # inner
          multiplier: "0.8"\x20\x20
          # tail of vip
# root comment
channels:
# before first
- name: a
  models: [a,b,
     c ]      # c
  set:
      x: |
        text
          more

      y: >-
       folded

       end
-   name: b
    models:
    - x
    -   y: z
        w: [1,2 , {q: 1,r: }]
    # about tags
    tags: [ ]
    # commented: 1
  # of the list

server: &a
    cors:
        - "*"
    text: "multi

      line"


"""
NEAT = """\
version:   1
groups:

  default: {multiplier: 1}   # c1
  vip:
    # inner
    multiplier: "0.8"
    # tail of vip
# root comment
channels:
  # before first
  - name: a
    models: [a, b,
       c]      # c
    set:
      x: |
        text
          more

      y: >-
       folded

       end
  - name: b
    models:
      - x
      - y: z
        w: [1, 2, {q: 1, r: }]
    # about tags
    tags: []
    # commented: 1
    # of the list

server: &a
  cors:
    - "*"
  text: "multi

    line"
"""


def laid_out(text: str) -> str:
    return formatted("gateway.yaml", text.encode()).decode()


def test_a_messy_document_gets_the_one_layout() -> None:
    assert laid_out(MESSY) == NEAT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("\n\n", ""),
        ("# only a comment", "# only a comment\n"),
        ("a: 1\r\nb: 2\r\n", "a: 1\nb: 2\n"),
        ("\ufeffa: 1", "a: 1\n"),
        ("- - a\n  -   b\n", "- - a\n  - b\n"),
        ("a:\n      text\n", "a:\n  text\n"),
        ("a:\n      [b,c]\n", "a:\n  [b, c]\n"),
        ("a: {b: 1, # why\n    c: 2}\n", "a: {b: 1, # why\n    c: 2}\n"),
        ('a: {"b":1}\n', 'a: {"b": 1}\n'),
        ("a:\n- b: |+\n    x\n\n\n- c: 1\n", "a:\n  - b: |+\n      x\n\n\n  - c: 1\n"),
        ("a: &x\n    b: 1\nc:\n    <<: *x\n", "a: &x\n  b: 1\nc:\n  <<: *x\n"),
        ("---\na: 1\n", "---\na: 1\n"),
    ],
)
def test_small_layouts(text: str, expected: str) -> None:
    assert laid_out(text) == expected


@pytest.mark.parametrize("text", ["a: [", "a: 1\na: 2\n", "a: !x 1\n", "? a\n: 1\n"])
def test_what_cannot_be_read_is_left_alone(text: str) -> None:
    with pytest.raises(ConfigError):
        laid_out(text)


def test_the_files_that_are_shipped_are_laid_out() -> None:
    for path in sorted(default_tree().glob("**/*.yaml")):
        if path.relative_to(default_tree()).parts[0] in {"gateway.yaml", "providers", "policies"}:
            assert formatted(str(path), path.read_bytes()) == path.read_bytes(), path


def test_a_tree_compiles_to_the_same_in_its_layout(tmp_path: Path) -> None:
    text = (default_tree() / "gateway.yaml").read_text()
    messy = text.replace("\n  ", "\n     ").replace("{", "{ ").replace("\n\n", "\n\n\n")

    before = compile_files(tmp_path / "a", {"gateway.yaml": messy}).snapshot
    after = compile_files(tmp_path / "b", {"gateway.yaml": laid_out(messy)}).snapshot

    assert (after.channels, after.models, after.groups, after.server, after.patterns) == (
        before.channels,
        before.models,
        before.groups,
        before.server,
        before.patterns,
    )


_SCALARS = st.sampled_from(
    [
        "1",
        '"a: b"',
        "'x # y'",
        "text",
        "~",
        "two words",
        '"multi\n\n       line"',
        "|\n        block\n\n          deep\n",
    ]
)
_COMMENTS = st.sampled_from(["", "", "  # why", " #x"])


@st.composite
def _documents(draw: st.DrawFn) -> str:
    """Draw block maps and lists with odd indentation, flow collections, comments and blank lines."""
    lines: list[str] = []

    def entry(indent: int, depth: int) -> None:
        for number in range(draw(st.integers(1, 3))):
            if draw(st.booleans()):
                lines.append(" " * draw(st.sampled_from([0, indent, indent + 1])) + "# note")
            lines.extend([""] * draw(st.integers(0, 2)))
            head = " " * indent + f"k{number}:"
            kind = draw(st.sampled_from(["scalar", "flow", "map", "list"] if depth < 3 else ["scalar", "flow"]))
            if kind == "scalar":
                value = draw(_SCALARS).replace("\n        ", "\n" + " " * (indent + 3))
                lines.append(f"{head} {value}" + ("" if "\n" in value else draw(_COMMENTS)))
            elif kind == "flow":
                lines.append(f"{head}  [ a,b , {{ c: 1,d: [x ]}} ]" + draw(_COMMENTS))
            elif kind == "map":
                lines.append(head + draw(_COMMENTS))
                entry(indent + draw(st.integers(1, 5)), depth + 1)
            else:
                lines.append(head)
                at = indent + draw(st.integers(0, 3))
                for _ in range(draw(st.integers(1, 2))):
                    gap = draw(st.integers(1, 3))
                    start = len(lines)
                    entry(at + 1 + gap, depth + 1)
                    first = next(
                        n
                        for n in range(start, len(lines))
                        if lines[n].strip() and not lines[n].lstrip().startswith("#")
                    )
                    lines[first] = " " * at + "-" + lines[first][at + 1 :]

    entry(0, 0)
    return "\n".join(lines)


@given(_documents())
def test_the_layout_of_a_layout_is_itself_and_says_the_same(text: str) -> None:
    document = parse("x", text.encode())
    assume(document.root is not None and not document.diagnostics)
    assert document.root is not None

    once = laid_out(text)

    assert laid_out(once) == once
    again = parse("x", once.encode()).root
    assert again is not None
    assert again.plain() == document.root.plain()
    assert comments(once) == comments(text)
