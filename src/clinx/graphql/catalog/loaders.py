"""What one operation asks once: the overrides in force, and how every way upstream is doing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from strawberry.dataloader import DataLoader

from clinx.domain.override import Override
from clinx.graphql.context import Context
from clinx.routing.way import WayState
from clinx.storage import overrides


class ActiveOverrides:
    """The overrides in force, by channel: one statement, however many channels are asked about."""

    def __init__(self, context: Context) -> None:
        """Ask nothing yet."""
        self._context = context
        self._loader = DataLoader[str, list[Override]](load_fn=self._load)

    async def of(self, channel: str) -> list[Override]:
        """Return those of a channel, oldest first.

        Raises:
            StorageUnavailable: the database cannot be read now.
        """
        return await self._loader.load(channel)

    async def _load(self, channels: list[str]) -> Sequence[list[Override]]:
        found: defaultdict[str, list[Override]] = defaultdict(list)
        for each in await overrides.active(self._context.services.database, self._context.now):
            found[each.channel].append(each)
        return [found[channel] for channel in channels]


class Ways:
    """How every way upstream is doing in this process, by channel."""

    def __init__(self, context: Context) -> None:
        """Look once."""
        self._by_channel: defaultdict[str, list[WayState]] = defaultdict(list)
        for way in context.services.running.health.states():
            self._by_channel[way.channel].append(way)

    def of(self, channel: str) -> list[WayState]:
        """Return those of a channel that were used."""
        return self._by_channel[channel]
