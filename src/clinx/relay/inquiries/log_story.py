"""Why a call went where it went and cost what it cost: its log, told as a story."""

from __future__ import annotations

from typing import Any

from clinx.domain.figures import money
from clinx.domain.identity import User
from clinx.domain.request_log import Attempt, RequestLog
from clinx.relay.inquiries.story import Story, joined


def as_text(log: RequestLog, user: User | None) -> str:
    """Tell it to people."""
    story = Story()
    kind = joined([f"{log.operation} in {log.dialect}" if log.operation else None, "streamed" if log.stream else None])
    story.tell("call", joined([log.id, f"{log.at:%Y-%m-%d %H:%M:%S} UTC", kind, f"revision {log.revision}"]))
    story.tell("caller", _caller(log, user))
    story.tell("model", _model(log))
    story.tell("attempts", *(_attempt(number, each) for number, each in enumerate(log.attempts, 1)))
    story.tell("outcome", _outcome(log))
    if counts := log.usage.nonzero():
        # One of them is no count: that the others are estimates.
        story.tell("usage", ", ".join(name if count is True else f"{name} {count}" for name, count in counts.items()))
    story.tell("price", *_price(log))
    story.tell("charge", money(log.charge.nano))
    if log.cost is not None and log.margin is not None:
        story.tell("cost", f"{log.cost}, which leaves {log.margin}")
    return str(story)


def _price(log: RequestLog) -> tuple[str, ...]:
    receipt = log.receipt
    if receipt is None or not receipt.lines or receipt.is_whole:
        return log.quote
    return (*log.quote, "not all that it was priced by was written down")


def _caller(log: RequestLog, user: User | None) -> str:
    name = f"{user.name} ({user.id})" if user is not None else f"user {log.user_id}" if log.user_id else "nobody known"
    token = f"token {log.token_id}" if log.token_id is not None else None
    group = f"group {log.group}" if log.group is not None else None
    return joined([name, token, group, f"from {log.address}" if log.address else None])


def _model(log: RequestLog) -> str:
    asked = log.asked_model or log.model
    if asked is None:
        return "none was named"
    steps = [asked]
    if log.model is not None and log.model != asked:
        steps.append(f"{log.model} by a rule")
    if log.upstream_model is not None and log.upstream_model != steps[-1] and log.upstream_model != log.model:
        steps.append(f"{log.upstream_model} by the mapping of {log.channel}")
    return " -> ".join(steps)


def _attempt(number: int, each: Attempt) -> str:
    status = f" {each.status}" if each.status is not None else ""
    why = f" ({each.cause})" if each.cause else ""
    return f"{number}. {each.channel} (key {each.credential}): {each.outcome}{status} after {each.seconds:.3f} s{why}"


def _outcome(log: RequestLog) -> str:
    first = f"first byte after {log.first_byte_seconds:.3f} s" if log.first_byte_seconds is not None else None
    told = f"the upstream calls it {log.upstream_id}" if log.upstream_id else None
    rule = f"by the rule {log.refused_by}" if log.refused_by else None
    status = f"status {log.status}" if log.status else None
    return joined([log.outcome, rule, status, f"{log.seconds:.3f} s", first, told])


def as_json(log: RequestLog, user: User | None) -> dict[str, Any]:
    """Tell it to programs; amounts are strings."""
    return {
        "id": log.id,
        "at": log.at.isoformat(),
        "revision": log.revision,
        "dialect": log.dialect,
        "operation": log.operation,
        "stream": log.stream,
        "user": {"id": log.user_id, "name": user.name if user is not None else None},
        "token": log.token_id,
        "group": log.group,
        "address": log.address,
        "asked_model": log.asked_model or log.model,
        "model": log.model,
        "channel": log.channel,
        "upstream_model": log.upstream_model,
        "upstream_id": log.upstream_id,
        "attempts": [
            {
                name: getattr(each, name)
                for name in ("channel", "credential", "upstream_model", "outcome", "status", "seconds", "cause")
            }
            for each in log.attempts
        ],
        "outcome": log.outcome,
        "refused_by": log.refused_by,
        "status": log.status,
        "seconds": log.seconds,
        "first_byte_seconds": log.first_byte_seconds,
        "usage": log.usage.nonzero(),
        "price": list(log.quote),
        "charge": money(log.charge.nano),
        "cost": None if log.cost is None else money(log.cost.nano),
        "margin": None if log.margin is None else money(log.margin.nano),
    }
