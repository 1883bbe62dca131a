"""The words of one letter in one language, and how they become a plain text and a simple page.

Both bodies come from the same blocks, so neither says what the other does not. Values are plain text: they are cut,
lose what controls a line or the direction of writing, and are escaped where they become HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from string import Formatter
from typing import Final, assert_never
from urllib.parse import urlsplit

from clinx.domain.console import Language
from clinx.domain.names import unlinked

SERVICE: Final = "service"
"""The parameter that every template may use: what the service is called."""
PERSON: Final = "name"
"""The parameter for what people call themselves: it reads the same, and leads nowhere."""
LONGEST_VALUE: Final = 4000
"""Characters of a value; links are no longer either."""
LONGEST_SUBJECT: Final = 150

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_NOT_IN_LINES: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_STYLE: Final = "font-family:sans-serif;font-size:16px;line-height:1.5;color:#222;max-width:36em;margin:2em auto"
_CODE_STYLE: Final = "font-family:monospace;font-size:28px;letter-spacing:0.2em"


@dataclass(frozen=True, slots=True)
class Link:
    """A place to go to; left out where the value is not there."""

    label: str
    of: str = "link"
    """The parameter that holds its address."""


@dataclass(frozen=True, slots=True)
class Code:
    """A few characters that a person copies; left out where the value is not there."""

    label: str
    of: str = "code"


@dataclass(frozen=True, slots=True)
class Lines:
    """Text that keeps its lines; left out where the value is not there."""

    of: str


Block = str | Link | Code | Lines
"""A string is a paragraph with parameters in braces: ``Hello {name},``."""


@dataclass(frozen=True, slots=True)
class Template:
    """A letter's words."""

    subject: str
    blocks: tuple[Block, ...]

    @property
    def required(self) -> frozenset[str]:
        """Parameters without which there is no sentence."""
        texts = (self.subject, *(block for block in self.blocks if isinstance(block, str)))
        return frozenset(name for text in texts for name in _parameters(text)) - {SERVICE}

    @property
    def optional(self) -> frozenset[str]:
        """Parameters whose block is left out without them."""
        return frozenset(block.of for block in self.blocks if not isinstance(block, str))


@dataclass(frozen=True, slots=True)
class Writing:
    """A letter as it is read."""

    subject: str
    """One line."""
    text: str
    html: str


def write(template: Template, language: Language, values: Mapping[str, str]) -> Writing:
    """Put values into words. `SERVICE` is one of the values.

    Raises:
        ValueError: a required value is missing.
    """
    if missing := (template.required | {SERVICE}) - values.keys():
        raise ValueError(f"values are missing: {', '.join(sorted(missing))}")
    flat = {name: _flat(value) for name, value in values.items()}
    if PERSON in flat:
        flat[PERSON] = unlinked(flat[PERSON])
    subject = template.subject.format_map(flat)[:LONGEST_SUBJECT]
    shown = [block for block in template.blocks if isinstance(block, str) or _flat(values.get(block.of, ""))]
    text = "\n\n".join(_text(block, flat, values) for block in shown) + f"\n\n-- \n{flat[SERVICE]}\n"
    page = "\n".join(_html(block, flat, values) for block in shown)
    html = (
        f'<!DOCTYPE html>\n<html lang="{language.value}">\n<head><meta charset="utf-8">'
        f'<title>{escape(subject)}</title></head>\n<body style="{_STYLE}">\n{page}\n'
        f'<p style="color:#777">{escape(flat[SERVICE])}</p>\n</body>\n</html>\n'
    )
    return Writing(subject, text, html)


def _text(block: Block, flat: Mapping[str, str], values: Mapping[str, str]) -> str:
    match block:
        case str():
            return block.format_map(flat)
        case Link():
            return f"{block.label}:\n{flat[block.of]}"
        case Code():
            return f"{block.label}:\n\n    {flat[block.of]}"
        case Lines():
            return "\n".join(f"    {line}" for line in _lines(values[block.of]))
        case _:
            assert_never(block)


def _html(block: Block, flat: Mapping[str, str], values: Mapping[str, str]) -> str:
    match block:
        case str():
            escaped = {name: escape(value) for name, value in flat.items()}
            return f"<p>{escape(block, quote=False).format_map(escaped)}</p>"
        case Link():
            return _anchor(block.label, flat[block.of])
        case Code():
            return f'<p>{escape(block.label)}:</p>\n<p style="{_CODE_STYLE}">{escape(flat[block.of])}</p>'
        case Lines():
            return f"<pre>{escape(chr(10).join(_lines(values[block.of])))}</pre>"
        case _:
            assert_never(block)


def _anchor(label: str, address: str) -> str:
    """Write a link; what is no address of a page is shown and leads nowhere."""
    shown = escape(address)
    if not _leads_to_a_page(address):
        return f"<p>{escape(label)}: {shown}</p>"
    return f'<p><a href="{shown}">{escape(label)}</a></p>\n<p style="color:#777;word-break:break-all">{shown}</p>'


def _leads_to_a_page(address: str) -> bool:
    try:
        return urlsplit(address).scheme in {"https", "http"} and " " not in address
    except ValueError:
        return False


def _flat(value: str) -> str:
    return _CONTROLS.sub(" ", value[:LONGEST_VALUE]).strip()


def _lines(value: str) -> list[str]:
    text = value[:LONGEST_VALUE].replace("\r\n", "\n")
    return _NOT_IN_LINES.sub(" ", text).strip("\n").split("\n")


def _parameters(text: str) -> Iterator[str]:
    return (name for _, name, _, _ in Formatter().parse(text) if name is not None)
