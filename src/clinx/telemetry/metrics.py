"""Every figure at /-/metrics, with its labels, in one table.

Labels are bounded: codes, dialects, operations, and names from the tree (models a caller invents are never labels).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics, generate_latest

from clinx.telemetry.tally import Spread, Tally

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Mark(NamedTuple):
    """The labels of a finished exchange. A model the tree does not know is never one of them: it is the empty name."""

    dialect: str
    operation: str
    model: str
    outcome: str


class Metrics:
    """One registry and its instruments; built once by the composition root and handed out."""

    def __init__(self) -> None:
        """Create every instrument, so that a scrape shows zeros rather than gaps."""
        disable_created_metrics()
        registry = self.registry = CollectorRegistry()
        self.exchanges = Tally("clinx_exchanges", "Exchanges finished.", Mark._fields)
        self.exchange_seconds = Spread(
            "clinx_exchange_seconds", "From arrival to the last byte.", ["operation"], _SECONDS
        )
        self.first_byte_seconds = Spread(
            "clinx_first_byte_seconds", "From arrival to the first byte of the answer.", ["operation"], _SECONDS
        )
        self.attempts = Tally("clinx_attempts", "Attempts at channels.", ["channel", "outcome"])
        self.usage = Tally("clinx_usage", "Units consumed, by bucket.", ["model", "unit"])
        self.charged_nano = Tally("clinx_charged_nano", "Money charged, in nano-units of the currency.", ["model"])
        for tally in (self.exchanges, self.attempts, self.usage, self.charged_nano):
            registry.register(tally)
        for spread in (self.exchange_seconds, self.first_byte_seconds):
            registry.register(spread)
        self.in_flight = Gauge("clinx_exchanges_in_flight", "Exchanges running now.", registry=registry)
        self.settlements_failed = Counter(
            "clinx_settlements_failed", "Settlements that could not be written at once.", registry=registry
        )
        self.overdraft_nano = Counter(
            "clinx_overdraft_nano", "Money charged beyond what was held for it, in nano-units.", registry=registry
        )
        self.payments = Counter(
            "clinx_payments", "What payment providers said.", ["provider", "outcome"], registry=registry
        )
        self.audit_breaches = Gauge(
            "clinx_audit_breaches", "What the last audit of the books found.", ["invariant"], registry=registry
        )
        self.audit_at = Gauge(
            "clinx_audit_last_success_timestamp_seconds",
            "When the books were last compared to the end.",
            registry=registry,
        )
        self.reloads = Counter("clinx_config_reloads", "Reloads of the tree.", ["outcome"], registry=registry)
        self.reload_ok = Gauge(
            "clinx_config_last_reload_successful", "1 when the tree on disk is the one served.", registry=registry
        )
        self.reload_at = Gauge(
            "clinx_config_last_reload_timestamp_seconds", "When the tree was last published.", registry=registry
        )
        self.revision = Gauge("clinx_config_revision_info", "The revision served now.", ["revision"], registry=registry)
        self.generations = Gauge(
            "clinx_config_generations",
            "Generations alive: one, and those still pinned by exchanges.",
            registry=registry,
        )

    def finished(self, mark: Mark, seconds: float, first_byte_seconds: float | None) -> None:
        """Count an exchange."""
        self.exchanges.add(mark)
        self.exchange_seconds.add((mark.operation,), seconds)
        if first_byte_seconds is not None:
            self.first_byte_seconds.add((mark.operation,), first_byte_seconds)

    def consumed(self, model: str, usage: Mapping[str, int], charged_nano: int) -> None:
        """Count units and money."""
        for unit, count in usage.items():
            self.usage.add((model, unit), count)
        if charged_nano:
            self.charged_nano.add((model,), charged_nano)

    def audited(self, breaches: Mapping[str, int], at: datetime) -> None:
        """Take note of an audit of the books: how many breaches of each invariant there are."""
        for invariant, count in breaches.items():
            self.audit_breaches.labels(invariant).set(count)
        self.audit_at.set(at.timestamp())

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
