"""Rollups: what finished exchanges add up to, by the minute, the hour and the day, for dashboards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from operator import add
from typing import Any, Final

from msgspec import Struct

from clinx.domain.money import MAX_NANO, Amount

EVERYBODY: Final = 0
"""In place of a user's id: the sums of all."""

BOUNDS: Final = (100, 250, 500, 1_000, 2_000, 3_000, 5_000, 8_000, 13_000, 20_000, 30_000, 60_000, 120_000)
"""Milliseconds: what the buckets of the latency histogram end before; the last bucket has no end."""

_MICROS: Final = 1_000_000
_MILLI: Final = timedelta(milliseconds=1)


class Grain(StrEnum):
    """How long the spans are that are summed up; they begin at whole ones since 1970, in UTC."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"

    @property
    def seconds(self) -> int:
        """How long one is."""
        return _SECONDS[self]

    @property
    def micros(self) -> int:
        """How long one is, in the unit of instants in tables."""
        return _SECONDS[self] * _MICROS

    @property
    def width(self) -> timedelta:
        """How long one is."""
        return timedelta(seconds=_SECONDS[self])


_SECONDS: Final = {Grain.MINUTE: 60, Grain.HOUR: 3_600, Grain.DAY: 86_400}


class Facet(StrEnum):
    """What sums are told apart by."""

    TOTAL = "total"
    """Nothing: one sum of everything."""
    MODEL = "model"
    USER = "user"
    TOKEN = "token"  # noqa: S105  (a facet, not a secret)
    CHANNEL = "channel"
    GROUP = "group"


OF_USERS: Final = frozenset({Facet.TOTAL, Facet.MODEL, Facet.TOKEN, Facet.GROUP})
"""What one user's own sums may be told apart by."""


class Fact(Struct, frozen=True, gc=False, array_like=True):
    """As much of a finished exchange as the sums need."""

    at: int
    """Microseconds since 1970, in UTC: when it began."""
    user_id: int | None
    token_id: int | None
    model: str | None
    channel: str | None
    group: str | None
    succeeded: bool
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    charge: int
    """In nano-units."""
    millis: int
    """How long it took."""
    first_byte_millis: int | None
    cost: int | None = None
    """What it costs us, in nano-units; None where that is not known."""


Key = tuple[int, int, str, str, str]
"""Start (microseconds), user or `EVERYBODY`, facet, name, grain."""

Sums = Sequence[int]
"""`SUMS` in their order, and then the buckets of the latency histogram."""

SUMS: Final = (
    "requests",
    "failures",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "charge",
    "millis",
    "first_bytes",
    "first_byte_millis",
    "cost",
    "costed_charge",
    "costed_requests",
)
"""What is summed up, by the names of columns."""


class Measures(Struct, frozen=True):
    """What a span of time adds up to, or one model, user, … in it."""

    requests: int
    failures: int
    """Those whose outcome was not ``ok``."""
    input_tokens: int
    """Whole prompts, cached parts included."""
    output_tokens: int
    cached_tokens: int
    """What was read of the vendors' caches."""
    charge: Amount
    millis: int
    """How long those that succeeded took, together."""
    first_bytes: int
    """How many streams are in `first_byte_millis`."""
    first_byte_millis: int
    """How long streams took to their first byte, together."""
    cost: Amount
    """What those cost us of which that is known."""
    costed_charge: Amount
    """What they were charged."""
    costed_requests: int
    """How many of them there are."""
    latencies: tuple[int, ...]
    """How many of those that succeeded were in each bucket of `BOUNDS`."""

    @classmethod
    def of(cls, sums: Sums) -> Measures:
        """Give the sums their names."""
        plain = len(SUMS)
        requests, failures, inputs, outputs, cached, charge, millis, bytes_, byte_millis, *costs = sums[:plain]
        cost, costed_charge, costed = costs
        return cls(
            requests=requests,
            failures=failures,
            input_tokens=inputs,
            output_tokens=outputs,
            cached_tokens=cached,
            charge=Amount(charge),
            millis=millis,
            first_bytes=bytes_,
            first_byte_millis=byte_millis,
            cost=Amount(min(cost, MAX_NANO)),
            costed_charge=Amount(costed_charge),
            costed_requests=costed,
            latencies=tuple(sums[plain:]),
        )

    def __add__(self, other: Measures) -> Measures:
        """Add up two spans, or two names."""
        return Measures.of(list(map(add, self._sums, other._sums)))

    @property
    def _sums(self) -> Sums:
        plain = (self.requests, self.failures, self.input_tokens, self.output_tokens, self.cached_tokens)
        times = (self.millis, self.first_bytes, self.first_byte_millis)
        costs = (self.cost.nano, self.costed_charge.nano, self.costed_requests)
        return (*plain, self.charge.nano, *times, *costs, *self.latencies)

    @property
    def known_cost(self) -> Amount | None:
        """What it cost us, as far as that is known; None where it is known of nothing."""
        return self.cost if self.costed_requests else None

    @property
    def margin(self) -> Amount | None:
        """What is left of the charges of those whose cost is known; None where it is known of nothing."""
        return self.costed_charge - self.cost if self.costed_requests else None

    @property
    def mean_latency(self) -> timedelta | None:
        """How long one took that succeeded; None when none did."""
        count = sum(self.latencies)
        return self.millis * _MILLI / count if count else None

    @property
    def mean_first_byte(self) -> timedelta | None:
        """How long a stream took to its first byte; None when there was none."""
        return self.first_byte_millis * _MILLI / self.first_bytes if self.first_bytes else None

    def latency(self, percent: int) -> timedelta | None:
        """Estimate a percentile of the latency: as if each bucket were evenly filled, the last at its beginning."""
        count = sum(self.latencies)
        if not count:
            return None
        rank, below = count * percent / 100, 0
        for (low, high), held in zip(pairwise((0, *BOUNDS)), self.latencies, strict=False):
            if held and below + held >= rank:
                return (low + (high - low) * (rank - below) / held) * _MILLI
            below += held
        return BOUNDS[-1] * _MILLI


class Point(Struct, frozen=True):
    """What one name had in one span."""

    start: datetime
    name: str
    """Of the model, channel or group, or the id of the user or token; empty for a total."""
    measures: Measures


def tally(facts: Sequence[Fact]) -> dict[Key, Sums]:
    """Sum facts up under everything that they count for."""
    minutes: dict[Key, Sums] = {}
    for facet_of, alike in ((_of_people, _asked), (_of_channels, _served)):
        for (start, *whose), sums in _alike(facts, alike).items():
            for user_id, facet, name in facet_of(*whose):
                _merge(minutes, (start, user_id, facet, name, _MINUTE), sums)
    found = minutes.copy()
    for grain in (Grain.HOUR, Grain.DAY):
        width, value = grain.micros, grain.value
        for (start, user_id, facet, name, _), sums in minutes.items():
            _merge(found, (start - start % width, user_id, facet, name, value), sums)
    return found


def _asked(fact: Fact) -> tuple[Any, ...]:
    return fact.user_id, fact.token_id, fact.model, fact.group


def _served(fact: Fact) -> tuple[Any, ...]:
    return (fact.channel,)


def _alike(facts: Sequence[Fact], alike: Callable[[Fact], tuple[Any, ...]]) -> dict[tuple[Any, ...], list[int]]:
    """Sum up first what is alike in one minute: there is little that is not."""
    found: dict[tuple[Any, ...], list[int]] = {}
    width = Grain.MINUTE.micros
    for fact in facts:
        key = (fact.at - fact.at % width, *alike(fact))
        sums = found.get(key)
        if sums is None:
            sums = found[key] = [0] * _WIDTH
        _count(sums, fact)
    return found


_WIDTH: Final = len(SUMS) + len(BOUNDS) + 1
_COST: Final = SUMS.index("cost")
_MINUTE: Final = Grain.MINUTE.value
_TOTAL: Final = Facet.TOTAL.value
_USER: Final = Facet.USER.value
_MODEL: Final = Facet.MODEL.value
_TOKEN: Final = Facet.TOKEN.value
_CHANNEL: Final = Facet.CHANNEL.value
_GROUP: Final = Facet.GROUP.value


def _count(sums: list[int], fact: Fact) -> None:
    sums[0] += 1
    sums[2] += fact.input_tokens
    sums[3] += fact.output_tokens
    sums[4] += fact.cached_tokens
    sums[5] += fact.charge
    if fact.cost is not None:
        sums[_COST] += fact.cost
        sums[_COST + 1] += fact.charge
        sums[_COST + 2] += 1
    if not fact.succeeded:
        sums[1] += 1
        return
    sums[6] += fact.millis
    if fact.first_byte_millis is not None:
        sums[7] += 1
        sums[8] += fact.first_byte_millis
    bucket = sum(fact.millis >= bound for bound in BOUNDS)
    sums[len(SUMS) + bucket] += 1


def _merge(into: dict[Key, Sums], key: Key, sums: Sums) -> None:
    known = into.get(key)
    into[key] = sums if known is None else list(map(add, known, sums))


_Where = tuple[int, str, str]
"""User or `EVERYBODY`, facet, name."""


def _of_people(user_id: int | None, token_id: int | None, model: str | None, group: str | None) -> Iterator[_Where]:
    """Yield what an exchange counts for; one of nobody counts for no user."""
    yield EVERYBODY, _TOTAL, ""
    if user_id is not None:
        yield EVERYBODY, _USER, str(user_id)
        yield user_id, _TOTAL, ""
    for facet, name in ((_TOKEN, token_id), (_MODEL, model), (_GROUP, group)):
        if name is not None:
            yield EVERYBODY, facet, str(name)
            if user_id is not None:
                yield user_id, facet, str(name)


def _of_channels(channel: str | None) -> Iterator[_Where]:
    if channel is not None:
        yield EVERYBODY, _CHANNEL, channel
