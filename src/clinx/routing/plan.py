"""The ordered candidates of one exchange."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct

from clinx.domain.catalog import Channel, Group, UpstreamEndpoint
from clinx.domain.operation import Operation
from clinx.errors import InvalidRequest, ModelNotFound
from clinx.routing.select import Draw, by_weight
from clinx.routing.table import Route, RouteTable

LONGEST_COMPARED = 128
"""Names longer than this get no "did you mean": comparing costs time that grows with the caller's text."""

MOST_COMPARED = 200
"""With more names on offer there is no "did you mean" either: a wrong name must not hold up everybody else."""


Way: TypeAlias = tuple[Operation, str]
"""An operation in a dialect."""


class Readiness(Protocol):
    """What a plan asks of `Health`."""

    def rank(self, channel: Channel) -> float:
        """Return 0.0 for a channel at its best, else the seconds until it is."""
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


def plan(  # noqa: PLR0913  (what is asked, what is on offer, and the two things that vary; all but two by name)
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
) -> Plan:
    """Order the channels that can serve a model for a caller of a group.

    Groups in the order they are tried, then priority, then channels that take the operation in this dialect before
    those that take it in one of the ``translated`` ways, then a draw by weight; channels that are cooling down go last,
    the soonest ready first. Channels whose provider has no endpoint of either kind are left out.

    Raises:
        ModelNotFound: the caller's group does not offer the model; nothing is said of channels.
        InvalidRequest: it does, but no channel takes this operation: asking again changes nothing.
    """
    offers = [(each, tiers) for each in expand(groups, group) if (tiers := routes.tiers(each.name, model))]
    if not offers:
        raise _not_found(offered(routes, groups, group), model)
    candidates: dict[str, Candidate] = {}
    for each, tiers in offers:
        for tier in tiers:
            for route, endpoint in _taking(by_weight(tier, draw), (operation, dialect), translated):
                if route.channel.name not in candidates:
                    candidates[route.channel.name] = Candidate(route.channel, route.upstream_model, each, endpoint)
    if not candidates:
        raise InvalidRequest(f"The model {_shown(model)} does not take this operation here.", param="model")
    return Plan(_cooling_last(tuple(candidates.values()), health))


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


def _cooling_last(candidates: tuple[Candidate, ...], health: Readiness) -> tuple[Candidate, ...]:
    if len(candidates) == 1:
        return candidates
    return tuple(sorted(candidates, key=lambda candidate: health.rank(candidate.channel)))


def _not_found(names: tuple[str, ...], model: str) -> ModelNotFound:
    is_cheap = len(model) <= LONGEST_COMPARED and len(names) <= MOST_COMPARED
    close = difflib.get_close_matches(model, names, n=1) if is_cheap else []
    hint = f"Did you mean {close[0]!r}?" if close else "GET /v1/models lists what this key may use."
    return ModelNotFound(
        f"The model {_shown(model)} does not exist or is not offered to you.", hint=hint, param="model"
    )


def _shown(model: str) -> str:
    return repr(model if len(model) <= LONGEST_COMPARED else f"{model[:LONGEST_COMPARED]}…")
