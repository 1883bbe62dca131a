"""What would become of a request that nobody has sent: rules, changes, candidates, price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from clinx.domain.figures import decimal, money
from clinx.domain.override import Override
from clinx.domain.pricing import Rates
from clinx.domain.steering import Steer
from clinx.domain.usage import Usage
from clinx.policies.rule import Rule
from clinx.relay.inquiries.story import Story, joined
from clinx.relay.rehearsal import Rehearsal
from clinx.routing.plan import Candidate


@dataclass(frozen=True, slots=True)
class Over:
    """Overrides in force, laid over the tree."""

    active: Sequence[Override] = ()
    unread: str | None = None
    """Why it is not known what is overridden."""


NOTHING: Final = Over()


def as_text(it: Rehearsal, usage: Usage, over: Over = NOTHING) -> str:
    """Tell it to people."""
    story, case = Story(), it.case
    who = joined([case.user.name if case.user.id else None, f"group {case.group}", case.address])
    story.tell("call", joined([f"{case.operation} in {case.dialect}", "streamed" if case.stream else None, who]))
    story.tell("model", case.model if it.model == case.model else f"{case.model} -> {it.model}")
    story.tell("overrides", *(f"{each.shown}, {each.reason}" for each in over.active))
    if over.unread is not None:
        story.tell("overrides", f"not looked at: {over.unread}")
    story.tell("rules", *(map(_rule, it.verdict.rules) if it.verdict.rules else ("none says anything of it",)))
    story.tell("body", *(f"{name}: {value}" for name, value in _changes(it).items()))
    story.tell("headers", *(f"{each.name}: {_removed(each.value)}" for each in it.verdict.headers))
    if (refusal := it.refusal) is not None:
        by = f", by the rule {refusal.rule}" if refusal.rule else ""
        story.tell("refused", f"{refusal.code}{by}: {refusal.message}", *([refusal.hint] if refusal.hint else ()))
        return str(story)
    story.tell("route", *_steered(it.verdict.steer))
    story.tell("channels", *(_candidate(number, each) for number, each in enumerate(it.candidates, 1)))
    story.tell("price", *_price(it, usage))
    return str(story)


def _rule(rule: Rule) -> str:
    return f"{rule.name} ({rule.word}), {rule.place}"


def _changes(it: Rehearsal) -> dict[str, str]:
    """Return the members of the body that rules changed, as JSON."""
    return {name: "(taken out)" if value is None else value.decode() for name, value in it.verdict.changes.items()}


def _removed(value: str | None) -> str:
    return "(taken out)" if value is None else value


def _steered(steer: Steer) -> Iterator[str]:
    for word in ("require", "prefer", "avoid"):
        if tags := getattr(steer, word):
            yield f"{word} {', '.join(sorted(tags))}"
    if steer.pinned is not None:
        yield f"only {steer.pinned}"
    if steer.strategy is not None:
        yield f"strategy {steer.strategy}"


def _candidate(number: int, each: Candidate) -> str:
    channel = each.channel
    why = joined(
        [
            f"group {each.group.name}",
            f"priority {channel.priority}",
            f"weight {channel.weight}",
            f"tags {' '.join(sorted(channel.tags))}" if channel.tags else None,
            f"as {each.upstream_model}",
            f"{each.endpoint.operation} in {each.endpoint.dialect}",
        ]
    )
    return f"{number}. {channel.name}: {why}"


def _price(it: Rehearsal, usage: Usage) -> Iterator[str]:
    rates = it.rates(usage)
    if it.priced is None or rates is None:
        return
    if not rates.by_unit:
        yield f"{it.priced.name} is free"
        return
    upto = f", for prompts of up to {rates.upto}" if rates.upto is not None else ""
    yield f"row of {it.priced.name}{upto}: " + joined(f"{unit} {rate.text}" for unit, rate in rates.by_unit.items())
    yield f"times {decimal(it.multiplier)}" + _factors(it)
    if (quote := it.quote(usage)) is not None and quote.lines:
        yield from map(str, quote.lines)
        yield f"comes to {money(quote.total.nano)}"


def _factors(it: Rehearsal) -> str:
    rules = [f"{name} {decimal(factor)}" for name, factor in it.verdict.factors]
    group = (
        f"group {it.candidates[0].group.name} {decimal(it.candidates[0].group.multiplier)}" if it.candidates else None
    )
    return f" ({joined([group, *(f'rule {each}' for each in rules)])})"


def as_json(it: Rehearsal, usage: Usage, over: Over = NOTHING) -> dict[str, Any]:
    """Tell it to programs; amounts are strings."""
    quote, rates = it.quote(usage), it.rates(usage)
    refusal = it.refusal
    return {
        "asked_model": it.case.model,
        "model": it.model,
        "group": it.case.group,
        "operation": it.case.operation.value,
        "dialect": it.case.dialect,
        "rules": [{"name": rule.name, "verb": rule.word, "place": rule.place} for rule in it.verdict.rules],
        "body": {name: None if raw is None else msgspec.json.decode(raw) for name, raw in it.verdict.changes.items()},
        "headers": {each.name: each.value for each in it.verdict.headers},
        "refused": None
        if refusal is None
        else {"code": refusal.code, "rule": refusal.rule, "message": refusal.message, "hint": refusal.hint},
        "overrides": [each.shown for each in over.active],
        "overrides_unread": over.unread,
        "candidates": [_as_json(each) for each in it.candidates],
        "rates": _rates(rates),
        "multiplier": decimal(it.multiplier),
        "quote": [str(line) for line in quote.lines] if quote is not None else [],
        "charge": money(quote.total.nano) if quote is not None else None,
    }


def _as_json(each: Candidate) -> dict[str, Any]:
    return {
        "channel": each.channel.name,
        "group": each.group.name,
        "priority": each.channel.priority,
        "weight": each.channel.weight,
        "tags": sorted(each.channel.tags),
        "upstream_model": each.upstream_model,
        "operation": each.endpoint.operation.value,
        "dialect": each.endpoint.dialect,
    }


def _rates(rates: Rates | None) -> Mapping[str, str]:
    return {unit.value: rate.text for unit, rate in rates.by_unit.items()} if rates is not None else {}
