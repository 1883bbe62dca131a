"""What it would mean to serve another tree: effects, not text. Pure: two compiled trees, one value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from clinx.config.channel_changes import ChannelChange, channel_changes, unreachable
from clinx.config.price_moves import MultiplierMove, PriceMove, Steepest, multiplier_moves, price_moves, steepest
from clinx.config.rule_changes import RuleChange, is_reordered, rule_changes
from clinx.config.rule_factors import factor_moves
from clinx.config.snapshot import Server, Snapshot
from clinx.config.tree import Tree
from clinx.domain.catalog import Group, Model
from clinx.domain.console import Console
from clinx.routing.plan import expand, offered

_Part = Server | Group | Model | Console


@dataclass(frozen=True, slots=True)
class Served:
    """A tree and what it compiles to."""

    tree: Tree
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class GroupEffect:
    """What the callers of one group gain and lose."""

    group: str
    models_gained: tuple[str, ...]
    models_lost: tuple[str, ...]
    channels_gained: tuple[str, ...]
    channels_lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Effects:
    """Everything that differs for callers and operators; every list in a stable order."""

    groups_gained: tuple[str, ...]
    groups_lost: tuple[str, ...]
    groups: tuple[GroupEffect, ...]
    """Of groups that are new or gone, too."""
    prices: tuple[PriceMove, ...]
    multipliers: tuple[MultiplierMove, ...]
    steepest: Steepest
    channels_added: tuple[str, ...]
    channels_removed: tuple[str, ...]
    channels_changed: tuple[ChannelChange, ...]
    channels_unreachable: tuple[str, ...]
    """Those that no request reaches any more, and one could before."""
    rules: tuple[RuleChange, ...]
    rules_reordered: bool
    settings: tuple[str, ...]
    """Other parts of the tree that differ: ``server.cors``, ``console.mail``, ``payments``."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        return not any(getattr(self, each.name) for each in fields(self) if each.name != "steepest")


def compare(before: Served, after: Served) -> Effects:
    """Return the effects of serving one tree after another."""
    old, new = before.snapshot, after.snapshot
    rules = rule_changes(before.tree, after.tree)
    return Effects(
        groups_gained=tuple(sorted(new.groups.keys() - old.groups.keys())),
        groups_lost=tuple(sorted(old.groups.keys() - new.groups.keys())),
        groups=tuple(_groups(old, new)),
        prices=price_moves(old, new),
        multipliers=multiplier_moves(old, new),
        steepest=steepest(old, new, factor_moves(old, new, rules)),
        channels_added=tuple(sorted(new.channels.keys() - old.channels.keys())),
        channels_removed=tuple(sorted(old.channels.keys() - new.channels.keys())),
        channels_changed=channel_changes(old, new),
        channels_unreachable=tuple(sorted((unreachable(new) - unreachable(old)) & (new.channels.keys()))),
        rules=rules,
        rules_reordered=is_reordered(before.tree, after.tree),
        settings=tuple(_settings(old, new)),
    )


def models_of(snapshot: Snapshot, group: str) -> tuple[str, ...]:
    """Return the names and patterns that a group is offered; none where there is no such group."""
    found = snapshot.groups.get(group)
    return offered(snapshot.routes, snapshot.groups, found) if found is not None else ()


def offers(snapshot: Snapshot, group: str, model: str) -> bool:
    """Whether a group is offered a model, by its name or by a pattern."""
    found = snapshot.groups.get(group)
    if found is None:
        return False
    return any(snapshot.routes.tiers(each.name, model) for each in expand(snapshot.groups, found))


def _groups(old: Snapshot, new: Snapshot) -> Iterator[GroupEffect]:
    for group in sorted({*old.groups, *new.groups}):
        channels = [channels_of(each, group) for each in (old, new)]
        effect = GroupEffect(
            group,
            models_gained=tuple(name for name in models_of(new, group) if not offers(old, group, name)),
            models_lost=tuple(name for name in models_of(old, group) if not offers(new, group, name)),
            channels_gained=tuple(sorted(channels[1] - channels[0])),
            channels_lost=tuple(sorted(channels[0] - channels[1])),
        )
        if effect != GroupEffect(group, (), (), (), ()):
            yield effect


def channels_of(snapshot: Snapshot, group: str) -> set[str]:
    """Return the channels that a group sees; none where there is no such group."""
    found = snapshot.groups.get(group)
    names = {each.name for each in expand(snapshot.groups, found)} if found is not None else set[str]()
    return {channel.name for channel in snapshot.channels.values() if not names.isdisjoint(channel.groups)}


def _settings(old: Snapshot, new: Snapshot) -> Iterator[str]:
    yield from _others("server", old.server, new.server, frozenset())
    for name in sorted(old.groups.keys() & new.groups.keys()):
        yield from _others(f"groups.{name}", old.groups[name], new.groups[name], frozenset({"multiplier"}))
    catalogues = [{**each.models, **{model.name: model for _, model in each.patterns}} for each in (old, new)]
    for name in sorted(catalogues[0].keys() & catalogues[1].keys()):
        yield from _others(f"models.{name}", catalogues[0][name], catalogues[1][name], frozenset({"price"}))
    yield from _others("console", old.console, new.console, frozenset())
    for name in ("currency", "invitations", "payments", "rollout"):
        if getattr(old, name) != getattr(new, name):
            yield name


def _others(path: str, old: _Part, new: _Part, known: frozenset[str]) -> Iterator[str]:
    """Yield what differs and is told nowhere else."""
    for each in filter(lambda each: each.init, fields(old)):
        if each.name not in known and getattr(old, each.name) != getattr(new, each.name):
            yield f"{path}.{each.name}"
