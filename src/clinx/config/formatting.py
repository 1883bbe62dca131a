"""The canonical layout of a document: indentation, spaces in flow collections, blank lines. Never a word of it.

Theory of operation: every block map and list has a column where it belongs (two more than what holds it), and every
line that begins with a key or a dash moves there. Lines that go on with a text or a flow collection move with the line
it began on; comments move with the line they belong to. Moving everything once leaves nothing to move, so that the
layout of a laid-out document is that document.
"""

from __future__ import annotations

import io
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, cast

from ruamel.yaml import YAML
from ruamel.yaml import events as ev
from ruamel.yaml import tokens as tk

from clinx.config.diagnostics import ConfigError, Diagnostic, errors
from clinx.config.document import parse
from clinx.config.nodes import Mark

STEP: Final = 2
"""Columns between what holds and what is held."""

_OPENING: Final = (tk.FlowMappingStartToken, tk.FlowSequenceStartToken)
_CLOSING: Final = (tk.FlowMappingEndToken, tk.FlowSequenceEndToken)
_COMMENT: Final = re.compile(r"#[^\n]*")


def formatted(name: str, data: bytes) -> bytes:
    """Return the document in its canonical layout.

    Raises:
        ConfigError: it cannot be read, or a layout would change what it says.
    """
    before = parse(name, data)
    if before.root is None or errors(before.diagnostics):
        raise ConfigError(before.diagnostics)
    text = data.decode("utf-8-sig").replace("\r\n", "\n")
    try:
        laid_out = _laid_out(text)
    except _Unusual as error:
        raise ConfigError([_refusal(name, error.line)]) from None
    after = parse(name, laid_out.encode())
    if after.root is None or after.root.plain() != before.root.plain() or comments(laid_out) != comments(text):
        raise ConfigError([_refusal(name, 1)])
    return laid_out.encode()


def comments(text: str) -> list[str]:
    """Return the comments of a document, in order: what stands between its tokens and is no space."""
    found: list[str] = []
    end = 0
    for token in _tokens(text):
        found += (each.rstrip() for each in _COMMENT.findall(text[end : token.start_mark.index]))
        end = max(end, token.end_mark.index)
    return found


def _refusal(name: str, line: int) -> Diagnostic:
    return Mark(name, line).finding("E101", "this layout cannot be changed without changing what it says")


class _Unusual(Exception):
    """A construct nobody writes in a tree, at a line."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


@dataclass(slots=True)
class _Frame:
    """An open collection."""

    is_map: bool
    is_flow: bool
    column: int
    """Where its keys or dashes belong."""
    awaits_key: bool = True
    was: int = -1
    """Where they are."""


@dataclass(slots=True)
class _Lines:
    """What is known of each line, by number from 0."""

    columns: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    """Lines that begin with a key, a dash or a value: where that is, and where it belongs."""
    holders: dict[int, tuple[tuple[int, int], ...]] = field(default_factory=dict[int, tuple[tuple[int, int], ...]])
    """The same of all block collections around such a line, outermost first."""
    order: list[int] = field(default_factory=list[int])
    """The numbers of these lines."""
    inside: dict[int, int] = field(default_factory=dict[int, int])
    """Lines that go on with what began on another."""
    texts: set[int] = field(default_factory=set[int])
    """Those of them that are text: nothing may be taken from them."""
    gaps: dict[int, list[tuple[int, int, str]]] = field(default_factory=dict[int, list[tuple[int, int, str]]])
    """Spaces of a line that become others: from, to, and what."""


def _laid_out(text: str) -> str:
    lines = text.split("\n")
    known = _Lines()
    tokens = list(_tokens(text))
    _walk(text, tokens, known)
    known.order = sorted(known.columns)
    _space(text, tokens, known)
    result: list[str] = []
    for number, line in enumerate(lines):
        moved = _moved(number, lines, known)
        is_needless = not moved and number not in known.texts and (not result or not result[-1])
        if not is_needless or line.strip():
            result.append(moved)
    while result and not result[-1]:
        result.pop()
    return "\n".join(result) + "\n" if result else ""


def _moved(number: int, lines: list[str], known: _Lines) -> str:
    """Return one line where it belongs."""
    line = lines[number]
    if not line.strip():
        return line if number in known.texts else ""
    for start, end, gap in sorted(known.gaps.get(number, []), reverse=True):
        line = line[:start] + gap + line[end:]
    body = line.lstrip(" ")
    column = max(0, len(line) - len(body) + _shift(number, lines, known))
    return " " * column + (body if number in known.texts else body.rstrip())


def _shift(number: int, lines: list[str], known: _Lines) -> int:
    if number in known.columns:
        was, column = known.columns[number]
        return column - was
    if number in known.inside:
        return _shift(known.inside[number], lines, known)
    if not lines[number].lstrip().startswith("#"):
        return 0
    return _shift_of_comment(number, lines, known)


def _shift_of_comment(number: int, lines: list[str], known: _Lines) -> int:
    """A comment at the column of the line after it belongs to that; else to what is open around it."""
    at = len(lines[number]) - len(lines[number].lstrip(" "))
    place = bisect_left(known.order, number)
    if place < len(known.order) and known.columns[known.order[place]][0] == at:
        return known.columns[known.order[place]][1] - at
    around = known.holders[known.order[place - 1]] if place else ()
    was, column = next(((was, column) for was, column in reversed(around) if was <= at), (0, 0))
    return column - was


def _walk(text: str, tokens: list[Any], known: _Lines) -> None:
    """Find where every line belongs, by walking through the document with what is open on a stack."""
    dashes = iter([t.start_mark for t in tokens if isinstance(t, tk.BlockEntryToken)])
    stack: list[_Frame] = []
    for event in _events(text):
        if isinstance(event, ev.MappingEndEvent | ev.SequenceEndEvent):
            stack.pop()
        elif isinstance(event, ev.NodeEvent):
            _enter(event, stack, dashes, known)


def _enter(event: Any, stack: list[_Frame], dashes: Iterator[Any], known: _Lines) -> None:
    holder = stack[-1] if stack else None
    column = 0
    if holder is not None and not holder.is_flow:
        column = _place(event, stack, holder, dashes, known)
    is_collection = isinstance(event, ev.CollectionStartEvent)
    if _is_block(event):
        stack.append(_Frame(isinstance(event, ev.MappingStartEvent), is_flow=False, column=column))
        return
    if is_collection:
        stack.append(_Frame(isinstance(event, ev.MappingStartEvent), is_flow=True, column=column))
    else:
        _note_text(event, known)


def _place(event: Any, stack: list[_Frame], holder: _Frame, dashes: Iterator[Any], known: _Lines) -> int:
    """Note where a key, a dash or a value belongs; return the column of what it holds."""
    start = event.start_mark
    if not holder.is_map:
        dash = next(dashes)
        holder.was = dash.column
        _note(known, stack, dash.line, dash.column, holder.column)
        if start.line == dash.line and not _is_empty(event):
            known.gaps.setdefault(dash.line, []).append((dash.column + 1, start.column, " "))
            return holder.column + STEP
    elif holder.awaits_key:
        holder.awaits_key = False
        holder.was = start.column
        _note(known, stack, start.line, start.column, holder.column)
        return holder.column
    else:
        holder.awaits_key = True
    if not _is_empty(event) and not _is_block(event):
        _note(known, stack, start.line, start.column, holder.column + STEP)
    return holder.column + STEP


def _note(known: _Lines, stack: list[_Frame], line: int, was: int, column: int) -> None:
    if line not in known.columns:
        known.columns[line] = (was, column)
        known.holders[line] = tuple((each.was, each.column) for each in stack if each.was >= 0)


def _is_block(event: Any) -> bool:
    return isinstance(event, ev.CollectionStartEvent) and not cast("Any", event).flow_style


def _is_empty(event: Any) -> bool:
    start, end = event.start_mark.index, event.end_mark.index
    return isinstance(event, ev.ScalarEvent) and start == end


def _note_text(event: Any, known: _Lines) -> None:
    """Lines of a text after its first."""
    first, last = event.start_mark.line, event.end_mark.line
    if getattr(event, "style", None) in {"|", ">"}:
        last -= event.end_mark.column == 0
    for line in range(first + 1, last + 1):
        known.inside[line] = first
        known.texts.add(line)


def _space(text: str, tokens: list[Any], known: _Lines) -> None:
    """Find the lines inside flow collections, and the spaces between their parts."""
    opened: list[int] = []
    before: Any = None
    for token in tokens:
        if isinstance(token, tk.KeyToken) and text[token.start_mark.index : token.start_mark.index + 1] == "?":
            raise _Unusual(token.start_mark.line + 1)
        if isinstance(token, tk.KeyToken):
            continue
        if opened and before is not None:
            _space_between(text, before, token, known)
        if isinstance(token, _OPENING):
            opened.append(token.start_mark.line)
        elif isinstance(token, _CLOSING):
            first = opened.pop()
            for line in range(first + 1, token.end_mark.line + 1):
                known.inside.setdefault(line, first)
        before = token


def _space_between(text: str, before: Any, token: Any, known: _Lines) -> None:
    start, end = before.end_mark, token.start_mark
    gap = text[start.index : end.index]
    if start.line != end.line or gap.strip(" "):
        return
    fitting = _gap(before, token, gap)
    if fitting != gap:
        known.gaps.setdefault(start.line, []).append((start.column, end.column, fitting))


def _gap(before: Any, token: Any, gap: str) -> str:
    ends = isinstance(token, (*_CLOSING, tk.FlowEntryToken))
    if isinstance(before, tk.ValueToken):
        return gap if ends else " "
    if isinstance(before, _OPENING) or ends:
        return ""
    return " " if isinstance(before, tk.FlowEntryToken) else gap


def _tokens(text: str) -> Iterator[Any]:
    yaml: Any = YAML(typ="safe", pure=True)
    return cast("Iterator[Any]", yaml.scan(io.StringIO(text)))


def _events(text: str) -> Iterator[Any]:
    yaml: Any = YAML(typ="safe", pure=True)
    return cast("Iterator[Any]", yaml.parse(io.StringIO(text)))
