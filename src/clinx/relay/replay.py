"""Logged traffic through another tree: where it would go, what it would cost, what would be refused. Pure.

What a log does not hold cannot be asked about: conditions on bodies and headers see nothing, guards read nothing,
limits and budgets are not counted again, nobody fails; what such a rule refused is not judged. A call is served where
it was, if its channel is still a candidate; the shares of channels are those of first choices. Calls that are alike for
the tree are rehearsed once.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Final, NamedTuple

from msgspec import Struct

from clinx.config.declared import is_rules
from clinx.config.snapshot import Snapshot
from clinx.config.tree import Tree
from clinx.domain.identity import Token, User
from clinx.domain.operation import Operation
from clinx.domain.pricing import FREE, Price
from clinx.domain.request_log import Logged
from clinx.errors import (
    BudgetSpent,
    GatewayError,
    ModelNotAllowed,
    ModelNotFound,
    NoChannel,
    PermissionDenied,
    PolicyRefused,
    RateLimited,
)
from clinx.policies.judge import judge
from clinx.relay.rehearsal import NO_TOKEN, NOBODY, Case, Fixed, Wish, admitted, facts, group_of, planned, priced

SLICES: Final = 100
"""So many draws tell the shares of first choices, to a percent."""
MOST_REMEMBERED: Final = 100_000
"""Kinds of calls that are remembered at a time."""
EXAMPLES: Final = 3
"""Request ids that are given for a refusal."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE: Final = 60_000_000
_BY_THE_TREE: Final = frozenset(
    kind.code
    for kind in (
        ModelNotFound,
        ModelNotAllowed,
        NoChannel,
        PermissionDenied,
        PolicyRefused,
        RateLimited,
        BudgetSpent,
    )
)
"""Refusals that another tree may take back."""
_BY_CATALOGUE: Final = frozenset({ModelNotFound.code, ModelNotAllowed.code})
"""Those of them that are wholly seen without a rule: the others may be for what no log keeps."""
_SEEN: Final = frozenset({"allow", "deny"})
"""Rules of which a replay sees all, unless they look into requests: the others count, or read texts."""
_INSIDE: Final = re.compile(rb"\b(?:request|header)\b")
"""What files mention whose rules look into requests."""
_REPLAYED: Final = frozenset(
    {Operation.CHAT, Operation.COMPLETE, Operation.EMBED, Operation.EMBED_BATCH, Operation.COUNT_TOKENS}
)
OPERATIONS: Final[Mapping[str, Operation]] = {operation.value: operation for operation in _REPLAYED}
"""What can be replayed, by the names that logs have."""


@dataclass(slots=True)
class Sum:
    """Calls and their costs, in nano-units."""

    calls: int = 0
    before: int = 0
    after: int = 0

    def add(self, before: int, after: int) -> None:
        """Add a call."""
        self.calls += 1
        self.before += before
        self.after += after


class Reason(NamedTuple):
    """Of what kind refusals are."""

    code: str
    rule: str
    """The rule that says so; empty where none does."""
    model: str
    group: str


@dataclass(slots=True)
class Refusals:
    """Calls that were served and would be refused, for one reason."""

    calls: int = 0
    message: str = ""
    examples: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class ChannelShare:
    """Calls that a channel served, and those it would be the first choice for."""

    channel: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of all of it."""

    total: Sum
    models: Mapping[str, Sum]
    """By the name that was asked for."""
    groups: Mapping[str, Sum]
    """By the caller's group."""
    channels: tuple[ChannelShare, ...]
    refused: Mapping[Reason, Refusals]
    admitted: int
    """Calls that were refused and would be served."""
    unjudged: int
    """Calls that were refused, and may or may not be: a guard, a limit, or what no log keeps decides."""
    rerouted: int
    """Calls that were served by a channel which would not be their first choice."""
    left_out: int
    """Rows that say too little: calls whose end was never seen, questions about models."""


@dataclass(slots=True)
class _Way:
    """Where calls with the same plan go, what they cost, and how many of them there were."""

    refusal: GatewayError | None
    price: Price = FREE
    facts: Mapping[str, object] = field(default_factory=dict[str, object])
    multipliers: Mapping[str, Fraction] = field(default_factory=dict[str, Fraction])
    """Of the groups through which channels are reached, by channel."""
    first: Fraction = Fraction(1)
    """That of the first candidate."""
    shares: Mapping[str, Fraction] = field(default_factory=dict[str, Fraction])
    """Of first choices, by channel."""
    calls: int = 0


class _Kind(Struct, frozen=True):
    """Calls about which the rules say the same."""

    way: _Way
    factor: Fraction


class Replay:
    """Takes logged calls one by one, and keeps sums."""

    def __init__(self, tree: Tree, snapshot: Snapshot, users: Mapping[int, User], tokens: Mapping[int, Token]) -> None:
        """Take the candidate, and who the callers are now; a token that is gone has no restrictions."""
        self._snapshot = snapshot
        self._users = users
        self._tokens = tokens
        self._asked_about = _asked_about(tree)
        self._looking_inside = {name for name, data in tree.files.items() if _INSIDE.search(data)}
        self._kinds: dict[tuple[object, ...], _Kind] = {}
        self._ways: dict[tuple[object, ...], _Way] = {}
        self._served: Counter[str] = Counter()
        self._total = Sum()
        self._models: defaultdict[str, Sum] = defaultdict(Sum)
        self._groups: defaultdict[str, Sum] = defaultdict(Sum)
        self._refused: defaultdict[Reason, Refusals] = defaultdict(Refusals)
        self._admitted = self._unjudged = self._rerouted = self._left_out = 0

    def take(self, calls: Iterable[Logged]) -> None:
        """Replay some calls."""
        for call in calls:
            if call.model is None or call.group is None or call.operation not in OPERATIONS:
                self._left_out += 1
                continue
            self._take(call, call.model, call.group, self._kind(call, call.model, call.group))

    def _take(self, call: Logged, model: str, group: str, kind: _Kind) -> None:
        way, cost = kind.way, 0
        if call.channel is not None:
            self._served[call.channel] += 1
        if way.refusal is not None:
            self._refuse(call, model, group, way.refusal)
        elif call.outcome in _BY_THE_TREE and call.channel is None:
            self._readmit(call)
        else:
            multiplier = way.multipliers.get(call.channel or "", way.first) * kind.factor
            cost = way.price.total(call.usage, multiplier, way.facts).nano
            if call.channel is not None and way.shares:
                way.calls += 1
                self._rerouted += call.channel not in way.shares
        for each in (self._total, self._models[model], self._groups[group]):
            each.add(call.charge, cost)

    def _refuse(self, call: Logged, model: str, group: str, refusal: GatewayError) -> None:
        if call.channel is None:
            return  # It was not served before either.
        refusals = self._refused[Reason(refusal.code, refusal.rule or "", model, group)]
        refusals.calls += 1
        refusals.message = refusal.message
        if len(refusals.examples) < EXAMPLES:
            refusals.examples.append(call.id)

    def _readmit(self, call: Logged) -> None:
        """Count a call that was refused and that nothing refuses which a replay can see."""
        rule = self._snapshot.policies.named(call.refused_by) if call.refused_by is not None else None
        if rule is not None:
            is_certain = rule.word in _SEEN and rule.place.partition(":")[0] not in self._looking_inside
        else:
            is_certain = call.refused_by is not None or call.outcome in _BY_CATALOGUE
        self._admitted += is_certain
        self._unjudged += not is_certain

    def _kind(self, call: Logged, model: str, group: str) -> _Kind:
        token = self._tokens.get(call.token_id or 0, NO_TOKEN)
        key = (group, model, call.operation, call.dialect, token.models, *(read(call) for read in self._asked_about))
        known = self._kinds.get(key)
        if known is None:
            if len(self._kinds) >= MOST_REMEMBERED:
                self._kinds.clear()
            known = self._kinds[key] = self._judged(self._case(call, model, group, token))
        return known

    def _case(self, call: Logged, model: str, group: str, token: Token) -> Case:
        return Case(
            model=model,
            user=self._users.get(call.user_id or 0, NOBODY),
            token=token if token.group == group else replace(token, group=group),
            operation=OPERATIONS[call.operation],
            dialect=call.dialect,
            stream=call.stream,
            address=call.address,
            at=_EPOCH + timedelta(microseconds=call.at),
        )

    def _judged(self, case: Case) -> _Kind:
        try:
            group = group_of(self._snapshot, case)
            verdict = judge(self._snapshot.policies, facts(self._snapshot, case))
            model = admitted(case, verdict)
        except GatewayError as error:
            return _Kind(_Way(error), _ONE)
        return _Kind(self._way(Wish(group, model, case.operation, case.dialect, verdict.steer)), verdict.factor)

    def _way(self, wish: Wish) -> _Way:
        key = (wish.group.name, wish.model, wish.operation, wish.dialect, wish.steer)
        if key not in self._ways:
            self._ways[key] = self._planned(wish)
        return self._ways[key]

    def _planned(self, wish: Wish) -> _Way:
        try:
            candidates, entry = planned(self._snapshot, wish), priced(self._snapshot, wish.model)
        except GatewayError as error:
            return _Way(error)
        first = candidates[0].group if candidates else wish.group
        return _Way(
            refusal=None,
            price=entry.price,
            facts={"model": wish.model, "group": first.name},
            multipliers={each.channel.name: each.group.multiplier for each in candidates},
            first=first.multiplier,
            shares=self._shares(wish) if candidates else {},
        )

    def _shares(self, wish: Wish) -> Mapping[str, Fraction]:
        plans = (planned(self._snapshot, wish, Fixed((n + 0.5) / SLICES)) for n in range(SLICES))
        firsts = Counter(candidates[0].channel.name for candidates in plans)
        return {name: Fraction(count, SLICES) for name, count in firsts.items()}

    def report(self) -> Replayed:
        """Return what became of all calls so far."""
        after: defaultdict[str, Fraction] = defaultdict(Fraction)
        for way in self._ways.values():
            for name, share in way.shares.items():
                after[name] += share * way.calls
        names = sorted({*after, *self._served})
        return Replayed(
            total=self._total,
            models=dict(sorted(self._models.items())),
            groups=dict(sorted(self._groups.items())),
            channels=tuple(ChannelShare(name, self._served[name], round(after[name])) for name in names),
            refused=dict(sorted(self._refused.items())),
            admitted=self._admitted,
            unjudged=self._unjudged,
            rerouted=self._rerouted,
            left_out=self._left_out,
        )


_ONE: Final = Fraction(1)
_ASKED_ABOUT: Final[tuple[tuple[re.Pattern[bytes], Callable[[Logged], object]], ...]] = (
    (re.compile(rb"\buser\b"), lambda call: call.user_id),
    (re.compile(rb"\btoken\b"), lambda call: call.token_id),
    (re.compile(rb"\bstream\b"), lambda call: call.stream),
    (re.compile(rb"\b(?:address|networks)\b"), lambda call: call.address),
    (re.compile(rb"\b(?:now|hours|days)\b"), lambda call: call.at // _MINUTE),
)


def _asked_about(tree: Tree) -> tuple[Callable[[Logged], object], ...]:
    """Return what rules may tell calls apart by: whatever their files so much as mention."""
    texts = [data for name, data in tree.files.items() if is_rules(name)]
    return tuple(read for words, read in _ASKED_ABOUT if any(map(words.search, texts)))
