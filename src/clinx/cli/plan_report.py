"""What a plan says, for people (text, Markdown for a pull request) and for programs; always in the same order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, Final

from clinx.cli.database import table
from clinx.domain.figures import decimal, money, printable
from clinx.relay.inquiries.plan_sections import Outcome, Section, sections
from clinx.relay.replay import Replayed, Sum

MARKER: Final = "<!-- clinx plan -->"
"""Begins the Markdown, so that a job finds its own comment again."""
MOST_ROWS: Final = 100
"""Rows of a table that people are shown."""
_NUMBER: Final = re.compile(r"[+-]?[0-9][0-9.]*%?|new or gone|was free")


def as_text(outcome: Outcome) -> str:
    """Write it for a terminal."""
    blocks = [_headline(outcome), *_denials(outcome)]
    for section in sections(outcome):
        rows = section.rows[:MOST_ROWS]
        more = [f"… and {len(section.rows) - MOST_ROWS} more"] if len(section.rows) > MOST_ROWS else []
        blocks.append(
            "\n".join([section.title, *(f"  {line}" for line in table(section.header, rows).split("\n")), *more])
        )
    blocks.extend(_notes(outcome))
    return "\n\n".join(blocks)


def as_markdown(outcome: Outcome) -> str:
    """Write it as the comment on a pull request."""
    blocks = [MARKER, f"### {_headline(outcome)}", *_denials(outcome)]
    for section in sections(outcome):
        lines = [f"| {' | '.join(section.header)} |", f"|{''.join(map(_rule, _columns(section)))}"]
        lines += [f"| {' | '.join(map(_cell, row))} |" for row in section.rows[:MOST_ROWS]]
        if len(section.rows) > MOST_ROWS:
            lines += ["", f"… and {len(section.rows) - MOST_ROWS} more"]
        blocks += [f"#### {section.title}", "\n".join(lines)]
    blocks.extend(_notes(outcome))
    return "\n\n".join(blocks)


def _columns(section: Section) -> list[list[str]]:
    return [[row[place] for row in section.rows] for place in range(len(section.header))]


def _rule(column: list[str]) -> str:
    """Write the line under a column's name: numbers stand to the right."""
    return " ---: |" if all(map(_NUMBER.fullmatch, column)) else " --- |"


def _cell(text: str) -> str:
    """Write a cell in which nothing means anything to GitHub: a model's name may be a caller's text."""
    plain = printable(text).replace("`", "'").replace("|", "\\|")
    return f"`{plain}`" if plain.strip() else ""


def _headline(outcome: Outcome) -> str:
    says = "no effects" if outcome.is_empty else "effects"
    before, after = outcome.before, outcome.after
    return f"clinx plan: {says} of {after.revision} ({after.name}) after {before.revision} ({before.name})"


def _notes(outcome: Outcome) -> Iterator[str]:
    if outcome.unread is not None:
        yield f"Tokens were not looked at: {outcome.unread}"


def _denials(outcome: Outcome) -> list[str]:
    """Return what ends the matter, which is read first."""
    return ["\n".join(f"Denied: {each}" for each in outcome.denied)] if outcome.denied else []


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Write it for programs; amounts are strings."""
    effects = outcome.effects
    return {
        "before": {"name": outcome.before.name, "revision": outcome.before.revision},
        "after": {"name": outcome.after.name, "revision": outcome.after.revision},
        "is_empty": outcome.is_empty,
        "denied": list(outcome.denied),
        "groups_gained": list(effects.groups_gained),
        "groups_lost": list(effects.groups_lost),
        "groups": [_plain(each) for each in effects.groups],
        "prices": [{**_plain(each), "change": _number(each.change)} for each in effects.prices],
        "multipliers": [{**_plain(each), "change": _number(each.change)} for each in effects.multipliers],
        "channels": {
            "added": list(effects.channels_added),
            "removed": list(effects.channels_removed),
            "changed": [
                {"name": each.name, "keys": [_plain(key) for key in each.keys]} for each in effects.channels_changed
            ],
            "unreachable": list(effects.channels_unreachable),
            "stranded": list(outcome.stranded),
        },
        "rules": [{**_plain(each), "keys": [_plain(key) for key in each.keys]} for each in effects.rules],
        "rules_reordered": effects.rules_reordered,
        "settings": list(effects.settings),
        "tokens": None if outcome.unread is not None else [_plain(each) for each in outcome.losses],
        "replay": None if outcome.replayed is None else _replay(outcome.replayed, outcome.span),
    }


def _replay(replayed: Replayed, span: str) -> dict[str, Any]:
    return {
        "span": span,
        "total": _costs(replayed.total),
        "models": {name: _costs(each) for name, each in replayed.models.items()},
        "groups": {name: _costs(each) for name, each in replayed.groups.items()},
        "channels": [_plain(each) for each in replayed.channels],
        "refused": [{**reason._asdict(), **_plain(each)} for reason, each in replayed.refused.items()],
        "admitted": replayed.admitted,
        "unjudged": replayed.unjudged,
        "rerouted": replayed.rerouted,
        "left_out": replayed.left_out,
    }


def _costs(each: Sum) -> dict[str, Any]:
    return {"calls": each.calls, "before": money(each.before), "after": money(each.after)}


def _plain(value: Any) -> dict[str, Any]:
    names: Iterable[str] = value.__slots__
    return {name: _json(getattr(value, name)) for name in names}


def _json(value: object) -> object:
    if isinstance(value, Fraction):
        return _number(value)
    return list(value) if isinstance(value, tuple) else value  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  (of texts)


def _number(value: Fraction | None) -> str | None:
    return None if value is None else decimal(value)
