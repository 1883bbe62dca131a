"""What would become of a request: the road of an exchange without a server, a caller or an upstream.

Pure: the same snapshot and the same case, the same rehearsal. Every channel is at its best and nobody else is calling;
what a draw decides, the draw that is passed in decides. What needs counters or texts (limits, budgets, guards) is only
named. Tests of the tree, plans, replays and explanations all ask here, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from msgspec import Struct, json
from multidict import CIMultiDict, CIMultiDictProxy

from clinx.config.snapshot import Snapshot
from clinx.dialects.body import JsonBody
from clinx.dialects.registry import DIALECTS
from clinx.domain.catalog import Channel, Group, Model
from clinx.domain.identity import Principal, Role, Status, Token, User
from clinx.domain.operation import Operation
from clinx.domain.pricing import Quote, Rates
from clinx.domain.receipt import Factor, Receipt
from clinx.domain.steering import FREE, Steer
from clinx.domain.usage import Usage
from clinx.errors import GatewayError, InvalidRequest, ModelNotFound, PermissionDenied
from clinx.policies.facts import Facts
from clinx.policies.judge import judge
from clinx.policies.verdict import SILENT, Verdict
from clinx.relay.admission import permit
from clinx.relay.facts import RequestFacts
from clinx.relay.translate import translated_ways
from clinx.routing.pattern import is_pattern
from clinx.routing.plan import Candidate, expand, plan
from clinx.routing.select import Draw

NOON: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""When a case happens that does not say: a Thursday. Never now, or a tree would be good on some days only."""

NOBODY: Final = User(0, "nobody", Role.USER, Status.ACTIVE, "default", NOON)
NO_TOKEN: Final = Token(0, 0, "none", "", Status.ACTIVE)
EMPTY: Final = JsonBody.parse(b"{}")
_NO_HEADERS: Final[Mapping[str, str]] = CIMultiDictProxy(CIMultiDict[str]())
_NO_FACTS: Final[Mapping[str, object]] = MappingProxyType({})


class Case(Struct, frozen=True):
    """A request that might come."""

    model: str
    """As the caller asks for it."""
    user: User = NOBODY
    token: Token = NO_TOKEN
    operation: Operation = Operation.CHAT
    dialect: str = "openai_chat"
    stream: bool = False
    body: JsonBody = EMPTY
    """As much of it as matters: it need not be one that a vendor would take."""
    headers: Mapping[str, str] = _NO_HEADERS
    """Looks names up whatever their case."""
    address: str | None = None
    at: datetime = NOON

    @property
    def group(self) -> str:
        """The group whose routes and prices apply."""
        return self.token.group or self.user.group

    @property
    def principal(self) -> Principal:
        """The caller."""
        return Principal(self.user, self.token, self.group)


class Fixed(Struct, frozen=True):
    """A draw that always comes out the same; at 0 equals stand in the order of the tree."""

    value: float = 0.0

    def random(self) -> float:
        """Return it."""
        return self.value


class AtBest:
    """Every channel is idle, healthy, and as fast as the others."""

    def rank(self, channel: Channel, model: str) -> float:
        """Return 0.0: nothing is wrong."""
        del channel, model
        return 0.0

    def under_way(self, channel: Channel) -> int:
        """Return 0: nobody calls."""
        del channel
        return 0

    def latency(self, channel: Channel, model: str) -> float:
        """Return 0.0: nothing is known."""
        del channel, model
        return 0.0


_AT_BEST: Final = AtBest()
_FIRST: Final = Fixed()


class Rehearsal(Struct, frozen=True):
    """What would become of a case."""

    case: Case
    verdict: Verdict
    model: str
    """What is served and priced: what rules made of the model that was asked for."""
    candidates: tuple[Candidate, ...] = ()
    """Best first; empty when it is refused, or answered here."""
    refusal: GatewayError | None = None
    priced: Model | None = None
    """The catalogue's entry."""

    @property
    def body(self) -> JsonBody:
        """The request as it goes on, after the rules."""
        return JsonBody.parse(self.case.body.patched(self._changes()))

    def _changes(self) -> Mapping[str, bytes | None]:
        renamed = {"model": json.encode(self.model)} if self.verdict.model is not None else {}
        return {**renamed, **self.verdict.changes}

    @property
    def multiplier(self) -> Fraction:
        """The factor on the price: the serving group's, times what rules say."""
        group = self.candidates[0].group.multiplier if self.candidates else Fraction(1)
        return group * self.verdict.factor

    def rates(self, usage: Usage) -> Rates | None:
        """Return the row of the price that applies; None where nothing is priced."""
        return None if self.priced is None else self.priced.price.rates(usage.input_tokens, self._facts())

    def quote(self, usage: Usage) -> Quote | None:
        """Price some usage; None where nothing is priced."""
        return None if self.priced is None else self.priced.price.quote(usage, self.multiplier, self._facts())

    @property
    def factors(self) -> tuple[Factor, ...]:
        """What the multiplier is the product of, and on whose account."""
        group = self.candidates[0].group if self.candidates else None
        own = () if group is None else (Factor(group.multiplier, group=group.name),)
        return (*own, *(Factor(factor, rule=rule) for rule, factor in self.verdict.factors))

    def receipt(self, usage: Usage) -> Receipt | None:
        """Price some usage, and say on whose account each factor is; None where nothing is priced."""
        quote = self.quote(usage)
        return None if quote is None else Receipt.of(quote, self.factors)

    def _facts(self) -> Mapping[str, object]:
        if self.priced is None or not self.priced.price.cases:
            return _NO_FACTS
        group = self.candidates[0].group.name if self.candidates else self.case.group
        return {"request": RequestFacts(self.body), "model": self.model, "group": group}


def rehearse(snapshot: Snapshot, case: Case, draw: Draw = _FIRST) -> Rehearsal:
    """Return what would become of a case; raises nothing for what the case says."""
    verdict = SILENT
    try:
        group = group_of(snapshot, case)
        verdict = judge(snapshot.policies, facts(snapshot, case))
        model = admitted(case, verdict)
        candidates = planned(snapshot, Wish(group, model, case.operation, case.dialect, verdict.steer), draw)
        return Rehearsal(case, verdict, model, candidates, None, priced(snapshot, model))
    except GatewayError as error:
        return Rehearsal(case, verdict, verdict.model or case.model, (), error)


def group_of(snapshot: Snapshot, case: Case) -> Group:
    """Return the caller's group.

    Raises:
        PermissionDenied: it is not in the tree.
    """
    group = snapshot.groups.get(case.group)
    if group is None:
        raise PermissionDenied(f"The group {case.group!r} does not exist in the gateway's configuration.")
    return group


def admitted(case: Case, verdict: Verdict) -> str:
    """Return the model that is served, if the rules and the token let the caller have it.

    Raises:
        GatewayError: they do not, or it is a pattern's own name, which is nothing to ask for.
    """
    if verdict.refusal is not None:
        raise verdict.refusal
    permit(case.principal, case.model, verdict.model)
    model = verdict.model or case.model
    if is_pattern(model):
        raise ModelNotFound(f"The model {model[:100]!r} is a pattern.", param="model")
    return model


class Wish(Struct, frozen=True):
    """What a plan depends on; two wishes that are equal have the same plans."""

    group: Group
    model: str
    operation: Operation
    dialect: str
    steer: Steer = FREE


def planned(snapshot: Snapshot, wish: Wish, draw: Draw = _FIRST) -> tuple[Candidate, ...]:
    """Return the candidates in order; none where the gateway counts tokens itself.

    Raises:
        GatewayError: nobody serves that.
    """
    entry = priced(snapshot, wish.model) if snapshot.model(wish.model) is not None else None
    dialect = DIALECTS.get(wish.dialect)
    try:
        found = plan(
            snapshot.routes,
            snapshot.groups,
            group=wish.group,
            model=wish.model,
            operation=wish.operation,
            dialect=wish.dialect,
            draw=draw,
            health=_AT_BEST,
            translated=translated_ways(dialect, wish.operation) if dialect is not None else (),
            steer=wish.steer,
            strategy=entry.strategy if entry is not None else None,
        )
    except InvalidRequest:
        if wish.operation is Operation.COUNT_TOKENS:
            return ()
        raise
    return found.candidates


def priced(snapshot: Snapshot, model: str) -> Model:
    """Return the catalogue's entry.

    Raises:
        ModelNotFound: it has none.
    """
    entry = snapshot.model(model)
    if entry is None:
        raise ModelNotFound(f"The model {model[:100]!r} has no price.", param="model")
    return entry


def facts(snapshot: Snapshot, case: Case) -> Facts:
    """Return what the conditions of rules see of a case."""
    return Facts(
        user=case.user,
        token=case.token,
        group=case.group,
        model=case.model,
        operation=case.operation,
        dialect=case.dialect,
        stream=case.stream,
        headers=case.headers,
        address=case.address,
        at=case.at,
        body=case.body,
        offers=offers(snapshot, case.group),
        zone=snapshot.server.zone,
    )


def offers(snapshot: Snapshot, group: str) -> Callable[[str], bool]:
    """Return what tells whether a group is offered a model by this very name."""
    found = snapshot.groups.get(group)
    sources = expand(snapshot.groups, found) if found is not None else ()
    return lambda name: any(snapshot.routes.lists(each.name, name) for each in sources)
