"""What a plan says: two trees, what differs for callers and operators, and that as tables, in a stable order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from clinx.config.effects import Effects, GroupEffect
from clinx.config.rule_changes import Change, KeyChange
from clinx.config.token_losses import TokenLoss
from clinx.domain.figures import decimal, money, percent, share
from clinx.relay.replay import Replayed, Sum

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
