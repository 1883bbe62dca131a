"""What a plan says, for people (text, Markdown for a pull request) and for programs; always in the same order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from clinx.cli.database import table
from clinx.cli.figures import decimal, money, percent, printable, share
from clinx.config.effects import Effects, GroupEffect
from clinx.config.rule_changes import Change, KeyChange
from clinx.config.token_losses import TokenLoss
from clinx.relay.replay import Replayed, Sum

MARKER: Final = "<!-- clinx plan -->"
"""Begins the Markdown, so that a job finds its own comment again."""
MOST_ROWS: Final = 100
"""Rows of a table that people are shown."""
_NUMBER: Final = re.compile(r"[+-]?[0-9][0-9.]*%?|new or gone|was free")
_SIGNS: Final[Mapping[Change, str]] = {Change.ADDED: "+", Change.CHANGED: "~", Change.REMOVED: "-"}


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two trees."""

    name: str
    revision: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A plan: two trees, the effects, and what the database says about them."""

    before: Side
    after: Side
    effects: Effects
    losses: tuple[TokenLoss, ...] = ()
    stranded: tuple[str, ...] = ()
    """Channels that some active token could reach, and none could any more."""
    unread: str | None = None
    """Why tokens were not looked at."""
    replayed: Replayed | None = None
    span: str = ""
    """Of the replay, as it was asked for."""
    denied: tuple[str, ...] = ()
    """Bounds that are broken, with what was found."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing would be other than it is."""
        return self.effects.is_empty and not self.losses and not (self.replayed and self.replayed.refused)


@dataclass(frozen=True, slots=True)
class Section:
    """One table."""

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])


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


def sections(outcome: Outcome) -> list[Section]:
    """Return the tables that have rows."""
    effects = outcome.effects
    every = [
        Section("Groups", ("group", "", "what", "name"), list(_groups(effects))),
        Section("Prices", ("model", "row", "unit", "before", "after", "per", "change"), list(_prices(effects))),
        Section("Multipliers", ("group", "before", "after", "change"), list(_multipliers(effects))),
        Section("Channels", ("", "channel", "key", "before", "after"), list(_channels(outcome))),
        Section("Rules", ("", "rule", "verb", "key", "before", "after"), list(_rules(effects))),
        Section("Other settings", ("key",), [(name,) for name in effects.settings]),
        Section("Tokens that lose models", ("token", "user", "group", "models"), list(_tokens(outcome.losses))),
        *(_traffic(outcome.replayed, outcome.span) if outcome.replayed is not None else ()),
    ]
    return [section for section in every if section.rows]


def _groups(effects: Effects) -> Iterator[tuple[str, ...]]:
    yield from ((name, "+", "group", "") for name in effects.groups_gained)
    yield from ((name, "-", "group", "") for name in effects.groups_lost)
    for each in effects.groups:
        yield from _group(each)


def _group(effect: GroupEffect) -> Iterator[tuple[str, ...]]:
    lists = (
        ("+", "model", effect.models_gained),
        ("-", "model", effect.models_lost),
        ("+", "channel", effect.channels_gained),
        ("-", "channel", effect.channels_lost),
    )
    yield from ((effect.group, sign, what, name) for sign, what, names in lists for name in names)


def _prices(effects: Effects) -> Iterator[tuple[str, ...]]:
    for move in effects.prices:
        amounts = (decimal(move.before), decimal(move.after))
        yield (move.model, move.row, move.unit.value, *amounts, str(move.per), percent(move.change) or "new or gone")


def _multipliers(effects: Effects) -> Iterator[tuple[str, ...]]:
    for move in effects.multipliers:
        yield (move.group, decimal(move.before), decimal(move.after), percent(move.change) or "was free")


def _channels(outcome: Outcome) -> Iterator[tuple[str, ...]]:
    effects = outcome.effects
    yield from (("+", name, "", "", "") for name in effects.channels_added)
    yield from (("-", name, "", "", "") for name in effects.channels_removed)
    for change in effects.channels_changed:
        yield from (("~", change.name, *_key(key)) for key in change.keys)
    yield from (("!", name, "", "reachable", "unreachable") for name in effects.channels_unreachable)
    yield from (("!", name, "", "reachable", "by no active token") for name in outcome.stranded)


def _rules(effects: Effects) -> Iterator[tuple[str, ...]]:
    for change in effects.rules:
        sign = _SIGNS[change.change]
        if not change.keys:
            yield (sign, change.name, change.verb, "", "", "")
        yield from ((sign, change.name, change.verb, *_key(key)) for key in change.keys)
    if effects.rules_reordered:
        yield ("~", "", "", "order", "", "")


def _key(key: KeyChange) -> tuple[str, str, str]:
    if key.before is None and key.after is None:
        return (key.key, "", "changed")
    return (key.key, "-" if key.before is None else key.before, "-" if key.after is None else key.after)


def _tokens(losses: Iterable[TokenLoss]) -> Iterator[tuple[str, ...]]:
    for loss in losses:
        models = ", ".join(loss.models)
        yield (f"{loss.name} ({loss.id})", loss.user, loss.group, f"{models}: all it has" if loss.is_all else models)


def _traffic(replayed: Replayed, span: str) -> Iterator[Section]:
    header = ("", "calls", "before", "after", "change")
    total = _sum("all calls", replayed.total)
    yield Section(f"Traffic of {span}", header, [total])
    yield Section("Traffic by model", header, [_sum(name, each) for name, each in replayed.models.items()])
    yield Section("Traffic by group", header, [_sum(name, each) for name, each in replayed.groups.items()])
    shares = [(each.channel, str(each.before), str(each.after)) for each in replayed.channels]
    yield Section("Traffic by channel", ("channel", "served", "first choice"), shares)
    refused = [(*reason, str(each.calls), ", ".join(each.examples)) for reason, each in replayed.refused.items()]
    yield Section("Would be refused", ("code", "rule", "model", "group", "calls", "examples"), refused)
    other = (
        ("would be admitted", replayed.admitted),
        ("cannot be judged (guard, pinned, limit)", replayed.unjudged),
        ("would go elsewhere first", replayed.rerouted),
        ("not replayed", replayed.left_out),
    )
    yield Section("Calls that", ("", "calls"), [(what, str(count)) for what, count in other if count])


def _sum(name: str, each: Sum) -> tuple[str, ...]:
    return (name, str(each.calls), money(each.before), money(each.after), percent(share(each.before, each.after)))


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
