"""The route table: what each group offers, and the channels behind it, compiled once per snapshot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final

from clinx.domain.catalog import Channel
from clinx.domain.pricing import Rates
from clinx.domain.usage import Usage
from clinx.routing.pattern import Pattern, is_pattern

NOMINAL: Final = Usage(input=1000, output=500, call=1)
"""The call by which channels are compared that say what they cost."""


@dataclass(frozen=True, slots=True)
class Route:
    """One channel that serves a model, and the name the model has there."""

    channel: Channel
    upstream_model: str
    cost: int | None = None
    """What the nominal call costs us, in nano-units; None where the channel does not say."""


Tiers = tuple[tuple[Route, ...], ...]
"""Routes by priority, highest first; inside a tier in the order of the tree."""

_Offers = dict[str, list[tuple[str, Channel]]]


@dataclass(frozen=True, slots=True)
class _Shelf:
    """What one group offers."""

    exact: Mapping[str, Tiers]
    patterns: tuple[tuple[Pattern, Tiers], ...]
    """Longer patterns first."""

    def tiers(self, model: str) -> Tiers:
        found = self.exact.get(model)
        if found is not None:
            return found
        for pattern, tiers in self.patterns:
            if pattern.matches(model):
                return _forwarding(tiers, pattern.text, model)
        return ()

    def without(self, names: AbstractSet[str]) -> _Shelf:
        exact = {name: _less(tiers, names) for name, tiers in self.exact.items()}
        return _Shelf(exact, tuple((pattern, _less(tiers, names)) for pattern, tiers in self.patterns))

    def models(self) -> tuple[str, ...]:
        return tuple(sorted((*self.exact, *(pattern.text for pattern, _ in self.patterns))))


@dataclass(frozen=True, slots=True)
class RouteTable:
    """(group, model) to tiers of routes. Immutable; a lookup of an exact name is two dictionary reads."""

    shelves: Mapping[str, _Shelf]

    @classmethod
    def build(cls, channels: Iterable[Channel]) -> RouteTable:
        """Compile the channels of one tree, in the order of the tree."""
        offers: defaultdict[str, _Offers] = defaultdict(dict)
        for channel in channels:
            for group in dict.fromkeys(channel.groups):
                for public, upstream in channel.models.items():
                    offers[group].setdefault(public, []).append((upstream, channel))
        return cls({group: _shelf(offered) for group, offered in offers.items()})

    def without(self, names: AbstractSet[str]) -> RouteTable:
        """Return the table while some channels take nothing: what only they offer keeps one tier, without routes."""
        return RouteTable({group: shelf.without(names) for group, shelf in self.shelves.items()})

    def tiers(self, group: str, model: str) -> Tiers:
        """Return the routes of a model in a group, by descending priority; empty when the group does not offer it.

        The most specific entry decides alone: channels that list the exact name, else those with the longest pattern
        that matches. A pattern mapped to itself forwards the asked name.
        """
        shelf = self.shelves.get(group)
        return shelf.tiers(model) if shelf is not None else ()

    def lists(self, group: str, model: str) -> bool:
        """Tell whether a group offers a model by this very name, not by a pattern."""
        shelf = self.shelves.get(group)
        return shelf is not None and model in shelf.exact

    def models(self, group: str) -> tuple[str, ...]:
        """Return the public names (and patterns) a group offers, sorted."""
        shelf = self.shelves.get(group)
        return shelf.models() if shelf is not None else ()


def _shelf(offers: _Offers) -> _Shelf:
    exact = {name: _tiers(routes) for name, routes in offers.items() if not is_pattern(name)}
    patterns = [(Pattern.parse(name), _tiers(routes)) for name, routes in offers.items() if is_pattern(name)]
    return _Shelf(exact, tuple(sorted(patterns, key=lambda entry: entry[0].order)))


def _tiers(offered: list[tuple[str, Channel]]) -> Tiers:
    by_priority: defaultdict[int, list[Route]] = defaultdict(list)
    for upstream, channel in offered:
        cost = None if channel.cost is None else nominal_cost(channel.cost)
        by_priority[channel.priority].append(Route(channel, upstream, cost))
    return tuple(tuple(by_priority[priority]) for priority in sorted(by_priority, reverse=True))


def nominal_cost(rates: Rates) -> int:
    """Return what the nominal call costs, in nano-units."""
    return rates.exact(NOMINAL) // rates.scale


def _less(tiers: Tiers, names: AbstractSet[str]) -> Tiers:
    left = (tuple(route for route in tier if route.channel.name not in names) for tier in tiers)
    return tuple(tier for tier in left if tier) or ((),)


def _forwarding(tiers: Tiers, pattern: str, model: str) -> Tiers:
    """Give the routes whose pattern is mapped to itself the name that was asked for."""
    return tuple(
        tuple(replace(route, upstream_model=model) if route.upstream_model == pattern else route for route in tier)
        for tier in tiers
    )
