"""The run as a table for people and as JSON for machines."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.measure import Measured, Plan

RESULTS = Path(__file__).parent / "results"
SUBJECT = "clinx"
BASELINE = "stub"


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of the table; ``better`` says which way the ratio to a peer is read."""

    title: str
    value: Callable[[Measured, Measured], float | None]
    """Of a subject and the baseline."""
    style: str
    more_is_better: bool


def _added(percentile: str) -> Callable[[Measured, Measured], float | None]:
    def value(measured: Measured, baseline: Measured) -> float | None:
        if measured is baseline:
            return None
        return getattr(measured.alone, percentile) - getattr(baseline.alone, percentile)

    return value


COLUMNS = (
    Column("requests/s per core", lambda m, _: m.busy.per_second, ",.0f", more_is_better=True),
    Column("CPU µs/request", lambda m, _: m.cpu_us_per_request, ",.0f", more_is_better=False),
    Column("added p50 ms", _added("p50"), ",.2f", more_is_better=False),
    Column("added p99 ms", _added("p99"), ",.2f", more_is_better=False),
    Column("loaded p50 ms", lambda m, _: m.busy.p50, ",.2f", more_is_better=False),
    Column("loaded p99 ms", lambda m, _: m.busy.p99, ",.2f", more_is_better=False),
    Column("streamed chunks/s", lambda m, _: m.streams.events_per_second or None, ",.0f", more_is_better=True),
    Column("CPU µs/chunk", lambda m, _: m.cpu_us_per_event, ",.1f", more_is_better=False),
    Column("first chunk p50 ms", lambda m, _: m.streams.first_event_p50 or None, ",.2f", more_is_better=False),
    Column("RSS MiB", lambda m, _: m.resident_mib, ",.0f", more_is_better=False),
)


def describe_machine() -> dict[str, str]:
    """What the numbers were measured on."""
    return {
        "cpu": _cpu_model(),
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def write(measured: Sequence[Measured], plan: Plan, notes: Sequence[str]) -> str:
    """Write results/latest.json and results/latest.md; return the latter."""
    machine = describe_machine()
    text = render(measured, plan, machine, notes)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.md").write_text(text, encoding="utf-8")
    values = {"machine": machine, "plan": asdict(plan), "subjects": [asdict(m) for m in measured], "notes": list(notes)}
    (RESULTS / "latest.json").write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    return text


def render(measured: Sequence[Measured], plan: Plan, machine: dict[str, str], notes: Sequence[str]) -> str:
    """Write the machine, the figures, and the ratios to each peer as Markdown."""
    baseline = next(m for m in measured if m.name == BASELINE)
    subject = next((m for m in measured if m.name == SUBJECT), None)
    blocks = [_setting(plan, machine), _figures(measured, baseline), _roads(measured)]
    peers = [m for m in measured if m.name not in (BASELINE, SUBJECT)]
    if subject is not None and peers:
        blocks.append(_ratios(subject, peers, baseline))
    if notes:
        blocks.append("\n".join(f"- {note}" for note in notes))
    return "\n\n".join(blocks) + "\n"


def _setting(plan: Plan, machine: dict[str, str]) -> str:
    pinning = (
        "the measured process on one core, stub and client on another"
        if plan.pin
        else "**not pinned**: too few cores, the figures are not per core"
    )
    client = "own client" if plan.client == "own" else "wrk"
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory']}, {machine['system']}, "
        f"Python {machine['python']}, {machine['date']}; {pinning}; {client}.\n\n"
        f"Whole answers: {plan.connections} connections, {plan.seconds:g} s. "
        f"Added latency: one connection, minus the stub's. Streams: {plan.streams} at once, {plan.seconds:g} s."
    )


def _figures(measured: Sequence[Measured], baseline: Measured) -> str:
    rows = [
        [f"{m.name} {m.version}".strip(), *(_cell(column.value(m, baseline), column.style) for column in COLUMNS)]
        for m in measured
    ]
    return _table(["", *(column.title for column in COLUMNS)], rows)


def _roads(measured: Sequence[Measured]) -> str:
    return "Per call: " + "; ".join(f"{m.name}: {m.road}" for m in measured) + "."


def _ratios(subject: Measured, peers: Sequence[Measured], baseline: Measured) -> str:
    rows = [
        [f"{SUBJECT} against {peer.name}", *(_ratio(column, subject, peer, baseline) for column in COLUMNS)]
        for peer in peers
    ]
    return "How many times better (below 1: worse):\n\n" + _table(["", *(column.title for column in COLUMNS)], rows)


def _ratio(column: Column, subject: Measured, peer: Measured, baseline: Measured) -> str:
    ours, theirs = column.value(subject, baseline), column.value(peer, baseline)
    if ours is None or theirs is None or min(ours, theirs) <= 0:
        return "-"
    return f"{ours / theirs if column.more_is_better else theirs / ours:,.2f} x"


def _cell(value: float | None, style: str) -> str:
    return "-" if value is None else format(value, style)


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[index]) for row in [titles, *rows]) for index in range(len(titles))]
    lines = [" | ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in [titles, *rows]]
    rule = "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])])
    return "\n".join([f"| {lines[0]} |", f"|{rule}|", *(f"| {line} |" for line in lines[1:])])


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
