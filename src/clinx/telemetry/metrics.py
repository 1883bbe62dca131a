"""Every figure at /-/metrics, with its labels, in one table.

Labels are bounded: codes, dialects, operations, and names from the tree (models a caller invents are never labels).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Mark(NamedTuple):
    """The labels of a finished exchange. A model the tree does not know is never one of them: it is the empty name."""

    dialect: str
    operation: str
    model: str
    outcome: str


class _Row(NamedTuple):
    exchanges: Counter
    seconds: Histogram
    first_byte: Histogram


class Metrics:
    """One registry and its instruments; built once by the composition root and handed out."""

    def __init__(self) -> None:
        """Create every instrument, so that a scrape shows zeros rather than gaps."""
        disable_created_metrics()
        registry = self.registry = CollectorRegistry()
        self.exchanges = Counter(
            "clinx_exchanges", "Exchanges finished.", ["dialect", "operation", "model", "outcome"], registry=registry
        )
        self.exchange_seconds = Histogram(
            "clinx_exchange_seconds",
            "From arrival to the last byte.",
            ["operation"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.first_byte_seconds = Histogram(
            "clinx_first_byte_seconds",
            "From arrival to the first byte of the answer.",
            ["operation"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.attempts = Counter("clinx_attempts", "Attempts at channels.", ["channel", "outcome"], registry=registry)
        self.usage = Counter("clinx_usage", "Units consumed, by bucket.", ["model", "unit"], registry=registry)
        self.charged_nano = Counter(
            "clinx_charged_nano", "Money charged, in nano-units of the currency.", ["model"], registry=registry
        )
        self.in_flight = Gauge("clinx_exchanges_in_flight", "Exchanges running now.", registry=registry)
        self.settlements_failed = Counter(
            "clinx_settlements_failed", "Settlements that could not be written at once.", registry=registry
        )
        self.reloads = Counter("clinx_config_reloads", "Reloads of the tree.", ["outcome"], registry=registry)
        self.reload_ok = Gauge(
            "clinx_config_last_reload_successful", "1 when the tree on disk is the one served.", registry=registry
        )
        self.reload_at = Gauge(
            "clinx_config_last_reload_timestamp_seconds", "When the tree was last published.", registry=registry
        )
        self.revision = Gauge("clinx_config_revision_info", "The revision served now.", ["revision"], registry=registry)
        self._rows: dict[Mark, _Row] = {}
        self._units: dict[tuple[str, str], Counter] = {}
        self._charged: dict[str, Counter] = {}
        self._attempts: dict[tuple[str, str], Counter] = {}
        self.generations = Gauge(
            "clinx_config_generations",
            "Generations alive: one, and those still pinned by exchanges.",
            registry=registry,
        )

    def finished(self, mark: Mark, seconds: float, first_byte_seconds: float | None) -> None:
        """Count an exchange. Children are kept: looking one up by its labels costs several times an increment."""
        row = self._rows.get(mark)
        if row is None:
            row = self._rows[mark] = _Row(
                self.exchanges.labels(mark.dialect, mark.operation, mark.model, mark.outcome),
                self.exchange_seconds.labels(mark.operation),
                self.first_byte_seconds.labels(mark.operation),
            )
        row.exchanges.inc()
        row.seconds.observe(seconds)
        if first_byte_seconds is not None:
            row.first_byte.observe(first_byte_seconds)

    def consumed(self, model: str, usage: Mapping[str, int], charged_nano: int) -> None:
        """Count units and money."""
        for unit, count in usage.items():
            child = self._units.get((model, unit))
            if child is None:
                child = self._units[model, unit] = self.usage.labels(model, unit)
            child.inc(count)
        if charged_nano:
            charged = self._charged.get(model)
            if charged is None:
                charged = self._charged[model] = self.charged_nano.labels(model)
            charged.inc(charged_nano)

    def attempted(self, channel: str, outcome: str) -> None:
        """Count an attempt."""
        child = self._attempts.get((channel, outcome))
        if child is None:
            child = self._attempts[channel, outcome] = self.attempts.labels(channel, outcome)
        child.inc()

    def reloaded(self, published: str | None, generations: int) -> None:
        """Take note of an attempt to load the tree: the revision that was published, or None when it was refused."""
        self.reloads.labels("failed" if published is None else "ok").inc()
        self.reload_ok.set(published is not None)
        self.generations.set(generations)
        if published is not None:
            self.reload_at.set_to_current_time()
            self.revision.clear()
            self.revision.labels(published).set(1)

    def render(self) -> bytes:
        """Write the registry in the Prometheus text format. Off the event loop when there are many series."""
        return generate_latest(self.registry)
