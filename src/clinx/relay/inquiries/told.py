"""What becomes of a request, as a value that rooms can be told which know nothing of the relay."""

from __future__ import annotations

from clinx.config.diagnostics import Diagnostic, Severity
from clinx.domain.figures import decimal
from clinx.domain.inquiry import CandidateTold, Finding, RateTold, RefusalTold, Rewritten, RouteTold, RuleTold
from clinx.domain.pricing import Rates
from clinx.domain.usage import Usage
from clinx.errors import GatewayError
from clinx.relay.inquiries.case_story import Over, as_text
from clinx.relay.rehearsal import Rehearsal
from clinx.routing.plan import Candidate


def told(it: Rehearsal, usage: Usage, over: Over, revision: str) -> RouteTold:
    """Tell what would become of a request under the tree of a revision, with what is overridden laid over."""
    verdict, case = it.verdict, it.case
    return RouteTold(
        asked_model=case.model,
        model=it.model,
        group=case.group,
        operation=case.operation.value,
        dialect=case.dialect,
        revision=revision,
        rules=tuple(RuleTold(rule.name, rule.word, rule.place) for rule in verdict.rules),
        body=tuple(
            Rewritten(name, None if raw is None else raw.decode("utf-8", "replace"))
            for name, raw in verdict.changes.items()
        ),
        headers=tuple(Rewritten(each.name, each.value) for each in verdict.headers),
        overrides=tuple(each.shown for each in over.active),
        refusal=None if it.refusal is None else refused(it.refusal),
        candidates=tuple(_candidate(each, usage) for each in it.candidates),
        rates=rates_told(it.rates(usage)),
        multiplier=decimal(it.multiplier),
        quote=it.receipt(usage),
        text=as_text(it, usage, over),
    )


def refused(error: GatewayError) -> RefusalTold:
    """Tell why a request would be refused."""
    return RefusalTold(error.code, error.rule, error.message, error.hint)


def rates_told(rates: Rates | None) -> tuple[RateTold, ...]:
    """Tell the rates of a row."""
    if rates is None:
        return ()
    return tuple(RateTold(unit.value, decimal(rate.amount), rate.per) for unit, rate in rates.by_unit.items())


def finding(found: Diagnostic) -> Finding:
    """Tell a finding about a tree."""
    is_error = found.severity is Severity.ERROR
    return Finding(found.file, found.line, found.column, found.code, found.message, found.hint, is_error)


def _candidate(each: Candidate, usage: Usage) -> CandidateTold:
    channel = each.channel
    return CandidateTold(
        channel=channel.name,
        group=each.group.name,
        priority=channel.priority,
        weight=channel.weight,
        tags=tuple(sorted(channel.tags)),
        upstream_model=each.upstream_model,
        operation=each.endpoint.operation.value,
        dialect=each.endpoint.dialect,
        cost=None if channel.cost is None else channel.cost.cost(usage),
    )
