"""Findings about the tree, and how they are printed.

Codes are stable. The hundreds name a kind: 1 files and YAML, 2 names that refer to something, 3 the shape of a value,
4 secrets, 5 what must not follow what is served, 6 tests of the tree; ``E`` is an error, ``W`` a warning. Every code
is a heading in docs/configuration.md.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final, Literal

CODES: Final[Mapping[str, str]] = {
    "E101": "Broken YAML",
    "E102": "Duplicate key",
    "E103": "Tag",
    "E104": "More than one document",
    "E105": "Too deep or too large",
    "E106": "Key that is not a string",
    "E107": "Number that is not one",
    "E108": "Unreadable file",
    "E109": "Path that leaves the tree",
    "E110": "Missing file",
    "E201": "Unknown provider",
    "E202": "Unknown group",
    "E203": "Unknown profile",
    "E204": "Unknown dialect",
    "E205": "Model without a price",
    "E206": "Name used twice",
    "E207": "Circle of names",
    "E208": "Channel in a group of groups",
    "E209": "File name that is not the provider's name",
    "E210": "Unknown setting",
    "E211": "Unknown name in a template",
    "E212": "Missing setting",
    "E213": "Group without channels to try",
    "E216": "Unknown name in a rule",
    "W214": "No channels",
    "W217": "Name that nothing in the tree has",
    "E301": "Unknown key",
    "E302": "Missing key",
    "E303": "Wrong value",
    "E304": "Not supported by this release",
    "E305": "Price that cannot be",
    "E306": "Condition that cannot be",
    "E310": "Pattern that cannot be",
    "W307": "Answer without a bound",
    "W308": "Version twice in an address",
    "W309": "Small size",
    "E401": "Literal secret",
    "E402": "Reference that is not allowed",
    "E403": "Reference that leads nowhere",
    "E404": "Broken reference",
    "E501": "Reload that leaves no channels",
    "E502": "Reload that changes the currency",
    "E503": "Rule that workers cannot count",
    "E601": "Failed test",
    "W205": "Price without a channel",
    "W208": "Group without a channel",
    "W110": "Include that matches nothing",
    "W403": "Reference that leads nowhere, checked offline",
}
"""Every code and its heading in docs/configuration.md."""

Format = Literal["text", "json", "github"]


class Severity(StrEnum):
    """Whether a finding stops the tree from being served."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Diagnostic:
    """One finding. Lines and columns count from 1; the file is relative to the tree."""

    file: str
    line: int
    column: int
    code: str
    message: str
    hint: str | None = None

    @property
    def severity(self) -> Severity:
        """Error or warning, as the code's letter says."""
        return Severity.ERROR if self.code.startswith("E") else Severity.WARNING

    def __str__(self) -> str:
        """Write ``providers/acme.yaml:3:13 E204 unknown dialect "opnai" (did you mean "openai_chat"?)``."""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.file}:{self.line}:{self.column} {self.code} {self.message}{hint}"


class ConfigError(Exception):
    """A tree that cannot be served, with everything that was found in it. Never rendered to callers."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Keep the findings in file order."""
        self.diagnostics: tuple[Diagnostic, ...] = ordered(diagnostics)
        super().__init__("\n".join(map(str, self.diagnostics)))


def ordered(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sort by place and leave out repetitions: a shared profile is complained about once."""
    return tuple(sorted(dict.fromkeys(diagnostics), key=lambda d: (d.file, d.line, d.column, d.code, d.message)))


def errors(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return those that stop the tree from being served."""
    return tuple(each for each in diagnostics if each.severity is Severity.ERROR)


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return a hint naming the closest known name, if one is close."""
    close = difflib.get_close_matches(name[:100], list(known), n=1)
    return f'did you mean "{close[0]}"?' if close else None


def render(diagnostics: Sequence[Diagnostic], style: Format) -> str:
    """Write findings for people (``text``), programs (``json``, one array) or a pull request (``github``)."""
    if style == "json":
        return json.dumps([{**asdict(each), "severity": each.severity} for each in diagnostics], indent=2)
    write = str if style == "text" else _annotation
    return "\n".join(map(write, diagnostics))


def _annotation(found: Diagnostic) -> str:
    message = _escape(f"{found.message} ({found.hint})" if found.hint else found.message)
    place = f"file={_escape_property(found.file)},line={found.line},col={found.column}"
    return f"::{found.severity} {place},title={found.code}::{message}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
