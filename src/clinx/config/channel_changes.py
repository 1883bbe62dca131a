"""How the channels of two snapshots differ. No secret is ever part of what is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from clinx.config.rule_changes import KeyChange
from clinx.config.snapshot import Snapshot
from clinx.domain.catalog import Channel
from clinx.domain.resilience import ChannelLimits
from clinx.routing.plan import expand


@dataclass(frozen=True, slots=True)
class ChannelChange:
    """A channel that is another than before."""

    name: str
    keys: tuple[KeyChange, ...]


def channel_changes(before: Snapshot, after: Snapshot) -> tuple[ChannelChange, ...]:
    """Return the channels that both have and that differ, by name."""
    common = sorted(before.channels.keys() & after.channels.keys())
    pairs = ((name, tuple(_differences(before.channels[name], after.channels[name]))) for name in common)
    return tuple(ChannelChange(name, keys) for name, keys in pairs if keys)


def unreachable(snapshot: Snapshot) -> frozenset[str]:
    """Return the channels that no request of any group can reach.

    Another entry of the same group is always more specific, or the provider takes nothing at all.
    """
    reached = {
        route.channel.name
        for group in snapshot.groups.values()
        for each in expand(snapshot.groups, group)
        for model in snapshot.routes.models(each.name)
        for tier in snapshot.routes.tiers(each.name, model)
        for route in tier
        if route.channel.provider.endpoints
    }
    return frozenset(snapshot.channels.keys() - reached)


def _differences(before: Channel, after: Channel) -> Iterator[KeyChange]:
    for each in filter(lambda each: each.init, fields(Channel)):
        old, new = getattr(before, each.name), getattr(after, each.name)
        if each.name == "credentials":
            old, new = [key.reference for key in old], [key.reference for key in new]
        if old != new:
            write = _WRITERS.get(each.name)
            shown = (None, None) if write is None else (write(old), write(new))
            # Two that look alike and differ: the rest of a provider's document, another key.
            yield KeyChange(each.name, *(shown if shown[0] != shown[1] else (None, None)))


def _models(models: Mapping[str, str]) -> str:
    return ", ".join(public if public == name else f"{public}: {name}" for public, name in sorted(models.items()))


def _address(url: str) -> str:
    """Return where it leads; what follows the host may hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else url


def _limits(limits: ChannelLimits | None) -> str:
    if limits is None:
        return "none"
    named = ((each.name, getattr(limits, each.name)) for each in fields(ChannelLimits))
    return ", ".join(f"{name} {value}" for name, value in named if value is not None)


_WRITERS: Final[Mapping[str, Callable[[Any], str]]] = MappingProxyType(
    {
        "priority": str,
        "weight": str,
        "groups": ", ".join,
        "tags": lambda tags: ", ".join(sorted(tags)),
        "models": _models,
        "base_url": _address,
        "credentials": lambda keys: f"{len(keys)} keys",
        "provider": lambda provider: provider.name,
        "limits": _limits,
    }
)
"""Of these a change shows both values; of others only that they changed."""
