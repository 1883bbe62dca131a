"""The ordered candidates of one exchange."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct

from clinx.domain.catalog import Channel, Group, UpstreamEndpoint
from clinx.domain.operation import Operation
from clinx.domain.steering import FREE, Steer, Strategy
from clinx.errors import InvalidRequest, ModelNotFound, NoChannel
from clinx.routing.select import Draw, Known, ordered
from clinx.routing.table import Route, RouteTable

LONGEST_COMPARED = 128
"""Names longer than this get no "did you mean": comparing costs time that grows with the caller's text."""

MOST_COMPARED = 200
"""With more names on offer there is no "did you mean" either: a wrong name must not hold up everybody else."""


Way: TypeAlias = tuple[Operation, str]
"""An operation in a dialect."""


class Readiness(Known, Protocol):
    """What a plan asks of `Health`."""

    def rank(self, channel: Channel, model: str) -> float:
        """Return 0.0 for a channel at its best with an upstream's model; the larger, the worse."""
        ...


class Candidate(Struct, frozen=True):
    """One way to serve the exchange."""

    channel: Channel
    upstream_model: str
    group: Group
    """The group through which the channel is reached: its multiplier applies."""
    endpoint: UpstreamEndpoint


class Plan(Struct, frozen=True):
    """Candidates, best first; never empty, and no channel twice."""

    candidates: tuple[Candidate, ...]


def plan(  # noqa: C901, PLR0913  (the story on one page; what is asked, what is on offer, and the two things that vary; all but two by name)
    routes: RouteTable,
    groups: Mapping[str, Group],
    *,
    group: Group,
    model: str,
    operation: Operation,
    dialect: str,
    draw: Draw,
    health: Readiness,
    translated: Sequence[Way] = (),
    steer: Steer = FREE,
    strategy: Strategy | None = None,
) -> Plan:
    """Order the channels that can serve a model for a caller of a group.

    Groups in the order they are tried, then priority, then channels that take the operation in this dialect before
    those that take it in one of the ``translated`` ways, then as the strategy says: that of a rule, of the model
    (``strategy``), of the group, or a draw by weight. Channels that are not at their best go last, the least bad of
    them first. Channels whose provider has no endpoint of either kind are left out. What rules say (``steer``) is then
    obeyed: who is left at all, and whom they prefer among the healthy.

    Raises:
        ModelNotFound: the caller's group does not offer the model; nothing is said of channels.
        InvalidRequest: it does, but no channel takes this operation: asking again changes nothing.
        NoChannel: some do, but none that the rules allow; or an operator has disabled them all.
    """
    offers = [(each, tiers) for each in expand(groups, group) if (tiers := routes.tiers(each.name, model))]
    if not offers:
        raise _not_found(offered(routes, groups, group), model)
    if steer is FREE and (only := _only(offers, operation, dialect)) is not None:
        return only
    candidates: dict[str, Candidate] = {}
    for each, tiers in offers:
        how = steer.strategy or strategy or each.strategy or Strategy.WEIGHTED
        for tier in tiers:
            for route, endpoint in _taking(ordered(tier, how, draw, health), (operation, dialect), translated):
                if route.channel.name not in candidates:
                    candidates[route.channel.name] = Candidate(route.channel, route.upstream_model, each, endpoint)
    if not candidates and not any(tier for _, tiers in offers for tier in tiers):
        raise NoChannel(f"No channel can serve the model {_shown(model)} right now.")
    if not candidates:
        raise InvalidRequest(f"The model {_shown(model)} does not take this operation here.", param="model")
    found = tuple(candidates.values())
    return Plan(_best_first(found if steer is FREE else obeying(found, steer, health), health))


def _only(offers: Sequence[tuple[Group, Sequence[Sequence[Route]]]], operation: Operation, dialect: str) -> Plan | None:
    """Return the plan where there is a single channel and it takes what is asked as it is: nothing is to be ordered."""
    group, tiers = offers[0]
    if len(offers) != 1 or len(tiers) != 1 or len(tiers[0]) != 1:
        return None
    route = tiers[0][0]
    endpoint = route.channel.provider.endpoint(operation, dialect)
    if endpoint is None:
        return None
    return Plan((Candidate(route.channel, route.upstream_model, group, endpoint),))


def _taking(routes: Sequence[Route], own: Way, translated: Sequence[Way]) -> Iterator[tuple[Route, UpstreamEndpoint]]:
    """Yield the routes whose provider takes what is asked, in its own way first; of other ways the first counts."""
    others: list[tuple[Route, UpstreamEndpoint]] = []
    for route in routes:
        provider = route.channel.provider
        if (endpoint := provider.endpoint(*own)) is not None:
            yield route, endpoint
        elif (other := next(filter(None, (provider.endpoint(*way) for way in translated)), None)) is not None:
            others.append((route, other))
    yield from others


def expand(groups: Mapping[str, Group], group: Group) -> tuple[Group, ...]:
    """Return the groups whose channels a caller of this group sees, in the order they are tried."""
    if not group.tries:
        return (group,)
    found: dict[str, Group] = {}
    waiting = [group]
    seen = {group.name}
    while waiting:
        current = waiting.pop()
        if not current.tries:
            found[current.name] = current
            continue
        inner = [groups[name] for name in current.tries if name in groups and name not in seen]
        seen.update(each.name for each in inner)
        waiting.extend(reversed(inner))
    return tuple(found.values())


def offered(routes: RouteTable, groups: Mapping[str, Group], group: Group) -> tuple[str, ...]:
    """Return the public model names (and patterns) a caller of this group may ask for, sorted."""
    return tuple(sorted({name for each in expand(groups, group) for name in routes.models(each.name)}))


def obeying(candidates: tuple[Candidate, ...], steer: Steer, health: Readiness) -> tuple[Candidate, ...]:
    """Leave out whom rules exclude, and put first whom they prefer: the sticky one, then by tags.

    Raises:
        NoChannel: nobody is left.
    """
    allowed = [each for each in candidates if _may_serve(each.channel, steer)]
    if not allowed:
        raise NoChannel("No channel that may serve this request can serve this model.")

    def place(candidate: Candidate) -> tuple[bool, bool, bool]:
        channel = candidate.channel
        is_sticky = channel.name == steer.sticky and not health.rank(channel, candidate.upstream_model)
        return (not is_sticky, not steer.avoid.isdisjoint(channel.tags), steer.prefer.isdisjoint(channel.tags))

    return tuple(sorted(allowed, key=place))


def _may_serve(channel: Channel, steer: Steer) -> bool:
    return steer.require <= channel.tags and steer.pinned in {None, channel.name}


def _best_first(candidates: tuple[Candidate, ...], health: Readiness) -> tuple[Candidate, ...]:
    if len(candidates) == 1:
        return candidates
    ranks = [health.rank(each.channel, each.upstream_model) for each in candidates]
    if not any(ranks):
        return candidates
    return tuple(candidates[place] for place in sorted(range(len(ranks)), key=ranks.__getitem__))


def _not_found(names: tuple[str, ...], model: str) -> ModelNotFound:
    is_cheap = len(model) <= LONGEST_COMPARED and len(names) <= MOST_COMPARED
    close = difflib.get_close_matches(model, names, n=1) if is_cheap else []
    hint = f"Did you mean {close[0]!r}?" if close else "The list of models names what is offered to you."
    return ModelNotFound(
        f"The model {_shown(model)} does not exist or is not offered to you.", hint=hint, param="model"
    )


def _shown(model: str) -> str:
    return repr(model if len(model) <= LONGEST_COMPARED else f"{model[:LONGEST_COMPARED]}…")
