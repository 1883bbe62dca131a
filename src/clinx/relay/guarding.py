"""Content rules around an exchange: over the request before anything is held, over the answer as it goes by.

An answer is metered as its vendor made it; what is masked is charged, what is refused before its first content is not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from clinx.dialects.body import JsonBody
from clinx.errors import InvalidRequest, UpstreamBroken
from clinx.policies.guard import GuardAction, GuardRule, Report, on_input, on_output
from clinx.policies.guard_body import Screened, screen_answer, screen_body
from clinx.policies.guard_filter import GuardFilter
from clinx.relay.aside import aside
from clinx.relay.exchange import Exchange
from clinx.relay.scans import Scans, weight
from clinx.telemetry.logs import say
from clinx.telemetry.metrics import Metrics

log = logging.getLogger("clinx.relay")


async def check_input(exchange: Exchange, rules: Sequence[GuardRule], metrics: Metrics, scans: Scans) -> bytes | None:
    """Look at the texts of an opened request; return its body without what is masked, None where that is nothing.

    Raises:
        PolicyRefused: a rule blocks the request.
        InvalidRequest: it has more parts than can be looked at.
    """
    rules, envelope = on_input(rules), exchange.envelope
    if not rules or envelope is None:
        return None
    body = envelope.body
    found = await scans.look(_user(exchange), weight(body.data, len(rules)), partial(screen_body, body, rules))
    _obey(found, _Note(exchange, "input", metrics))
    return await aside(len(body.data), partial(body.patched, found.changes)) if found.changes else None


async def check_answer(exchange: Exchange, data: bytes, metrics: Metrics, scans: Scans) -> bytes:
    """Look at the texts of a whole answer that nobody translates; return what of it the caller may see.

    Raises:
        PolicyRefused: a rule blocks it.
        UpstreamBroken: it is no JSON, or has more parts than can be looked at.
    """
    rules = on_output(exchange.verdict.guards)
    if not rules:
        return data
    try:
        look = partial(_looked_at, data, rules)
        body, found = await scans.look(_user(exchange), weight(data, len(rules)), look)
    except InvalidRequest as error:
        raise UpstreamBroken("The upstream's answer cannot be looked at, as a rule demands.") from error
    _obey(found, _Note(exchange, "output", metrics))
    return await aside(len(data), partial(body.patched, found.changes))


def _user(exchange: Exchange) -> int:
    return exchange.caller().user.id


def _looked_at(data: bytes, rules: Sequence[GuardRule]) -> tuple[JsonBody, Screened]:
    body = JsonBody.parse(data)
    return body, screen_answer(body, rules)


def _obey(found: Screened, note: Report) -> None:
    for rule, count in found.hits.items():
        note(rule, count)
    if found.refusal is not None:
        raise found.refusal


def watch_output(exchange: Exchange, rules: Sequence[GuardRule], metrics: Metrics) -> None:
    """Let rules look at the answer: as what may change it, or as what changes nothing where all only flag."""
    rules = on_output(rules)
    if not rules:
        return
    filters = (partial(GuardFilter, rules, _Note(exchange, "output", metrics)),)
    if all(rule.action is GuardAction.FLAG for rule in rules):
        exchange.watchers = filters
    else:
        exchange.filters = filters


class _Note:
    """Writes down what rules find in one direction of an exchange: every match is counted, each rule said once."""

    __slots__ = ("_exchange", "_loop", "_metrics", "_said", "_side")

    def __init__(self, exchange: Exchange, side: str, metrics: Metrics) -> None:
        self._exchange = exchange
        self._side = side
        self._metrics = metrics
        self._said: set[str] = set()
        self._loop = asyncio.get_running_loop()

    def __call__(self, rule: GuardRule, count: int) -> None:
        if rule.name not in self._exchange.flags:
            self._exchange.flags.append(rule.name)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            # A long answer is changed in a thread; figures belong to the loop.
            self._loop.call_soon_threadsafe(self._write, rule, count)
        else:
            self._write(rule, count)

    def _write(self, rule: GuardRule, count: int) -> None:
        self._metrics.guard_hits.add((rule.name, rule.action.value), count)
        if rule.name in self._said:
            return
        self._said.add(rule.name)
        fields = {"id": self._exchange.id, "rule": rule.name, "action": rule.action.value, "side": self._side}
        say(log, "guard.hit", fields)
