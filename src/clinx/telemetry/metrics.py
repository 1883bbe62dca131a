"""Every figure at /-/metrics, with its labels, in one table.

Labels are bounded: codes, dialects, operations, and names from the tree (models a caller invents are never labels).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
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
        self.guard_hits = Tally("clinx_guard_hits", "What content rules found.", ["rule", "action"])
        self.limit_refusals = Tally("clinx_limit_refusals", "Requests refused by limits and budgets.", ["rule"])
        self.overload_refusals = Tally("clinx_overload_refusals", "Requests refused by caps on concurrency.", ["scope"])
        self.circuits = Tally("clinx_circuits", "Circuits opened and closed.", ["channel", "state", "cause"])
        self.channel_tests = Tally("clinx_channel_tests", "Tests of channels.", ["channel", "outcome"])
        tallies = (self.exchanges, self.attempts, self.usage, self.charged_nano, self.guard_hits)
        for tally in (*tallies, self.circuits, self.channel_tests, self.limit_refusals, self.overload_refusals):
            registry.register(tally)
        for spread in (self.exchange_seconds, self.first_byte_seconds):
            registry.register(spread)
        counter, gauge = partial(Counter, registry=registry), partial(Gauge, registry=registry)
        self.retries_denied = counter("clinx_retries_denied", "Retries that the retry budget did not allow.")
        self.in_flight = gauge("clinx_exchanges_in_flight", "Exchanges running now.")
        self.overload_waiting = gauge("clinx_overload_waiting", "Requests that wait for others to end.")
        self.unshared_admissions = counter(
            "clinx_limits_unshared", "Admissions that only this process counted, because Redis did not answer."
        )
        self.settlements_failed = counter("clinx_settlements_failed", "Settlements that could not be written at once.")
        self.overdraft_nano = counter(
            "clinx_overdraft_nano", "Money charged beyond what was held for it, in nano-units."
        )
        self.payments = counter("clinx_payments", "What payment providers said.", ["provider", "outcome"])
        self.audit_breaches = gauge("clinx_audit_breaches", "What the last audit of the books found.", ["invariant"])
        self.audit_at = gauge(
            "clinx_audit_last_success_timestamp_seconds", "When the books were last compared to the end."
        )
        self.mails, self.webhooks = (
            counter(f"clinx_{what}", f"{what.capitalize()}, by how they ended.", ["outcome"])
            for what in ("mails", "webhooks")
        )
        self.reloads = counter("clinx_config_reloads", "Reloads of the tree.", ["outcome"])
        self.reload_ok = gauge("clinx_config_last_reload_successful", "1 when the tree on disk is the one served.")
        self.reload_at = gauge("clinx_config_last_reload_timestamp_seconds", "When the tree was last published.")
        self.revision = gauge("clinx_config_revision_info", "The revision served now.", ["revision"])
        self.generations = gauge(
            "clinx_config_generations", "Generations alive: one, and those still pinned by exchanges."
        )
        self.overrides = gauge("clinx_overrides_active", "Overrides of channels in force.")
        self.on_trial = gauge("clinx_config_on_trial", "1 while a revision is on trial.")

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

    def limit_refused(self, rule: str) -> None:
        """Count a request that a limit or a budget refused, or did not let to a channel."""
        self.limit_refusals.add((rule,))

    def limits_unshared(self) -> None:
        """Count an admission that only this process counted."""
        self.unshared_admissions.inc()

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
