"""What operators say of channels for a while, laid over the route table of whichever tree is served.

A table is laid over once and kept: an exchange reads an attribute when nothing is overridden, and looks at the clock
when something is. An override ends by itself at its instant, in every process, whether or not the database is there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from clinx.domain.catalog import Channel
from clinx.domain.override import Aspect, Override
from clinx.routing.table import RouteTable

log = logging.getLogger("clinx.routing")

_TABLES: Final = 4
"""Tables that are kept: of the revision that is served, of one on trial, of those that end."""


class Overlay:
    """The overrides in force, as one process knows them."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Begin without any; the wall clock decides when one ends."""
        self._now = now
        self._active: tuple[Override, ...] = ()
        self._tables: list[tuple[RouteTable, RouteTable]] = []
        """What was laid over, and the result: the newest last."""
        self._strangers: set[int] = set()
        """Overrides of channels that the tree does not have."""

    def take(self, overrides: Iterable[Override], channels: Container[str]) -> None:
        """Let these be in force from now on; one of a channel that no tree has waits for it, and is told."""
        fresh = tuple(sorted(overrides, key=lambda each: each.id))
        known, kept = {each.id for each in self._active}, {each.id for each in fresh}
        for each in fresh:
            if each.id not in known:
                log.warning("override.begun", extra=_said(each))
            if each.channel not in channels and each.id not in self._strangers:
                log.warning("override.without_channel", extra=_said(each))
        for each in self._active:
            if each.id not in kept:
                log.warning("override.ended", extra=_said(each))
        self._strangers = {each.id for each in fresh if each.channel not in channels}
        self._set(fresh)

    def active(self) -> tuple[Override, ...]:
        """Return the overrides in force now, oldest first."""
        now = self._now()
        over = [each for each in self._active if each.is_over(now)]
        if over:
            for each in over:
                log.warning("override.ended", extra=_said(each))
            self._set(tuple(each for each in self._active if each not in over))
        return self._active

    @property
    def count(self) -> int:
        """How many are in force. Only looks: it is asked from the thread that writes metrics, too."""
        now = self._now()
        return sum(not each.is_over(now) for each in self._active)

    def is_disabled(self, channel: str) -> bool:
        """Whether nothing is to be sent to a channel now; the later override counts."""
        said = [each.value for each in self.active() if (each.channel, each.aspect) == (channel, Aspect.DISABLED)]
        return bool(said and said[-1])

    def routes(self, routes: RouteTable, channels: Mapping[str, Channel]) -> RouteTable:
        """Return a tree's route table with what is in force laid over; the channels are the tree's."""
        if not self._active or not (active := self.active()):
            return routes
        for below, above in self._tables:
            if below is routes:
                return above
        above = laid_over(active, routes, channels)
        self._tables = [*self._tables[1 - _TABLES :], (routes, above)]
        return above

    def _set(self, overrides: tuple[Override, ...]) -> None:
        if overrides != self._active:
            self._active, self._tables = overrides, []


def laid_over(overrides: Iterable[Override], routes: RouteTable, channels: Mapping[str, Channel]) -> RouteTable:
    """Return the route table of channels of which something is overridden; the later override of an aspect counts."""
    said = {(each.channel, each.aspect): each.value for each in overrides if each.channel in channels}
    if not said:
        return routes
    changed = {name: _changed(channel, said) for name, channel in channels.items()}
    disabled = {name for name in channels if said.get((name, Aspect.DISABLED))}
    table = routes if changed == dict(channels) else RouteTable.build(changed.values())
    return table.without(disabled) if disabled else table


def _changed(channel: Channel, said: Mapping[tuple[str, Aspect], int]) -> Channel:
    weight = said.get((channel.name, Aspect.WEIGHT), channel.weight)
    priority = said.get((channel.name, Aspect.PRIORITY), channel.priority)
    if (weight, priority) == (channel.weight, channel.priority):
        return channel
    return replace(channel, weight=weight, priority=priority)


def _said(override: Override) -> dict[str, object]:
    return {
        "override": override.id,
        "value": override.shown,
        "reason": override.reason,
        "actor": override.actor,
        "until": override.until.isoformat(),
    }
