"""What was used and charged over time, for dashboards: read from rollups, never by looking through logs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec.structs import replace

from clinx.domain.console import Keep
from clinx.domain.rollup import EVERYBODY, OF_USERS, Facet, Grain, Measures, Point
from clinx.storage import rollups
from clinx.storage.database import Database
from clinx.storage.program import Program
from clinx.storage.rollups import Series

MOST_POINTS: Final = 5_000
"""Points of one report: with many spans there are fewer names."""
MOST_NAMES: Final = 100
MOST_SPANS: Final = 2_000
FINE: Final = {Grain.MINUTE: timedelta(hours=3), Grain.HOUR: timedelta(days=7)}
"""The longest time that is shown in each grain, unless another is asked for; longer ones are shown by the day."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class ReportRefused(ValueError):
    """A report that there is not: ``code`` says why and never changes, ``parameters`` say the particulars."""

    def __init__(self, code: str, **parameters: str | int) -> None:
        """Say why."""
        super().__init__(code)
        self.code = code
        self.parameters = parameters


@dataclass(frozen=True, slots=True)
class Question:
    """What a report is about. Spans are whole minutes, hours or days in UTC: the times are widened to those."""

    since: datetime
    until: datetime
    by: Facet = Facet.TOTAL
    user_id: int | None = None
    """Of one user; None is of everybody."""
    names: Collection[str] | None = None
    """Of what it is told apart by, these only; ids are written as text."""
    grain: Grain | None = None
    """None is the finest that fits the length and is still kept."""
    most: int = 20
    """How many names, those first that were charged most; at most `MOST_NAMES`."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was found."""

    grain: Grain
    since: datetime
    until: datetime
    totals: Sequence[tuple[str, Measures]]
    """The names with all that they add up to, those that were charged most first."""
    points: Sequence[Point]
    """The same by span, oldest first, then by name; spans with nothing in them are absent."""


async def report(database: Database, question: Question, *, now: datetime, keep: Keep) -> Report:
    """Answer a question about usage; what ended within the last seconds may not be in it yet.

    Raises:
        ReportRefused: there is no such report: ``wrong_window``, ``wrong_facet``, ``too_many_spans``, ``not_kept``.
        StorageUnavailable: the database cannot be read now.
    """
    if question.until <= question.since:
        raise ReportRefused("wrong_window")
    if question.user_id is not None and question.by not in OF_USERS:
        raise ReportRefused("wrong_facet", by=question.by.value)
    grain = _grain(question, now, keep)
    since, until = _floor(question.since, grain), _ceiling(question.until, grain)
    spans = (until - since) // grain.width
    if spans > MOST_SPANS:
        raise ReportRefused("too_many_spans", most=MOST_SPANS, spans=spans)
    user_id = EVERYBODY if question.user_id is None else question.user_id
    series = Series(question.by, grain, since, until, user_id, question.names)
    most = max(1, min(question.most, MOST_NAMES, MOST_POINTS // spans))
    totals, points = await database.look(_read(series, most, spans))
    return Report(grain, since, until, totals, points)


def _read(series: Series, most: int, spans: int) -> Program[tuple[list[tuple[str, Measures]], list[Point]]]:
    names = yield from rollups.dearest(series, most)
    found = yield from rollups.points(replace(series, names=names), most * spans)
    totals: dict[str, Measures] = {}
    for point in found:
        known = totals.get(point.name)
        totals[point.name] = point.measures if known is None else known + point.measures
    return [(name, totals[name]) for name in names], found


def _grain(question: Question, now: datetime, keep: Keep) -> Grain:
    oldest = {Grain.MINUTE: now - keep.minutes, Grain.HOUR: now - keep.hours}
    if question.grain is not None:
        if question.since < oldest.get(question.grain, question.since):
            raise ReportRefused("not_kept", grain=question.grain.value)
        return question.grain
    length = question.until - question.since
    fits = (grain for grain, longest in FINE.items() if length <= longest and question.since >= oldest[grain])
    return next(fits, Grain.DAY)


def _floor(at: datetime, grain: Grain) -> datetime:
    return at - (at - _EPOCH) % grain.width


def _ceiling(at: datetime, grain: Grain) -> datetime:
    return at + (_EPOCH - at) % grain.width


@dataclass(frozen=True, slots=True)
class Live:
    """How busy it is."""

    requests_per_minute: int
    tokens_per_minute: int


async def live(database: Database, *, now: datetime, user_id: int | None = None) -> Live:
    """Estimate what a minute sees now: this minute so far, and as much of the last one as is missing from it.

    Raises:
        StorageUnavailable: the database cannot be read now.
    """
    minute = Grain.MINUTE.width
    begun = _floor(now, Grain.MINUTE)
    whose = EVERYBODY if user_id is None else user_id
    series = Series(Facet.TOTAL, Grain.MINUTE, begun - minute, begun + minute, whose)
    requests = tokens = 0
    for point in await database.look(rollups.points(series, 2)):
        missing = begun + minute - now if point.start < begun else minute
        requests += point.measures.requests * missing // minute
        tokens += (point.measures.input_tokens + point.measures.output_tokens) * missing // minute
    return Live(requests, tokens)
