"""A channel that an admin named for a call: that the tree has it, and why it cannot serve what is asked.

Whoever named it made a mistake, and is told so: `no_channel` is for what may be otherwise in a minute. Who may name a
channel at all is `clinx.accounts.pin`'s business.
"""

from __future__ import annotations

from collections.abc import Sequence

from clinx.accounts.pin import HEADER
from clinx.config.diagnostics import did_you_mean
from clinx.config.snapshot import Snapshot
from clinx.domain.catalog import Group
from clinx.errors import InvalidRequest
from clinx.relay.exchange import Exchange
from clinx.routing.plan import LONGEST_COMPARED, Way, expand


def known(snapshot: Snapshot, name: str) -> str:
    """Return the name of a channel that the tree has.

    Raises:
        InvalidRequest: it has none of this name.
    """
    if name in snapshot.channels:
        return name
    hint = did_you_mean(name, snapshot.channels) if len(name) <= LONGEST_COMPARED else None
    raise InvalidRequest(
        f"There is no channel {name[:LONGEST_COMPARED]!r}.",
        hint=hint and f"{hint[0].upper()}{hint[1:]}",
        param=HEADER,
    )


def never(exchange: Exchange, group: Group, model: str, ways: Sequence[Way]) -> InvalidRequest | None:
    """Return why the named channel never serves a model in any of these ways; None where it may, or none was named."""
    snapshot, name = exchange.snapshot, exchange.pinned
    if name is None:
        return None
    routes = (
        route
        for each in expand(snapshot.groups, group)
        for tier in snapshot.routes.tiers(each.name, model)
        for route in tier
        if route.channel.name == name
    )
    if any(route.channel.provider.endpoint(*way) is not None for route in routes for way in ways):
        return None
    shown = model[:LONGEST_COMPARED]
    return InvalidRequest(
        f"The channel {name!r} does not serve the model {shown!r} to this group, or takes no such call.",
        hint="`clinx explain --model` lists the channels that do.",
        param=HEADER,
    )
