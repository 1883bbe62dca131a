"""Which way upstream comes next for one exchange, and what is said of it afterwards.

A failure costs an attempt and says how far it reaches: the request, the credential, or the channel. What costs none:
a channel that is full, that a limit lets nobody to, or that cannot be told the request, for nothing was sent there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from operator import itemgetter
from typing import Final

from msgspec import Struct

from clinx.billing.estimate import least_prompt
from clinx.domain.catalog import NO_CREDENTIAL, Channel, Credential
from clinx.domain.usage import Usage
from clinx.errors import (
    GatewayError,
    NoChannel,
    RateLimited,
    UnsupportedByModel,
    UpstreamError,
    UpstreamMisconfigured,
    UpstreamOverloaded,
    UpstreamRefused,
    UpstreamTimeout,
)
from clinx.relay.exchange import Exchange
from clinx.relay.small_request import is_testable
from clinx.routing.circuit import Cause
from clinx.routing.health import NEVER, Health
from clinx.routing.plan import Candidate
from clinx.routing.retries import RetryBudget
from clinx.routing.way import Kind, Turn, Use
from clinx.upstream.failures import Failure, Scope

MOST_ATTEMPTS: Final = 3
DEFAULT_REST: Final = 1.0
"""Seconds a credential rests when the upstream said 429 and not for how long."""
WHEN_FULL: Final = 1.0
"""Seconds after which callers may ask again for a channel that takes no more at a time."""


class Resting(Exception):
    """The private cause of an answer that tried nobody: every credential was told to wait."""

    def __init__(self, channels: Iterable[str]) -> None:
        """Name the channels, for the operator."""
        super().__init__(f"resting: {', '.join(channels)}")


class Chosen(Struct, frozen=True, eq=False):
    """A candidate, and the turn that was taken for it; ends it once."""

    candidate: Candidate
    turn: Turn
    health: Health

    @property
    def credential(self) -> Credential:
        """What is presented."""
        return self.turn.credential

    def began(self) -> None:
        """Say that there is content."""
        self.health.began(self.turn)

    def over(self, error: GatewayError | None, usage: Usage) -> None:
        """Say how an answer ended that had begun, once: only what the upstream did wrong speaks against it."""
        if self.turn.ended:
            return
        if error is None:
            self.health.succeeded(self.turn)
        elif isinstance(error, UpstreamTimeout):
            self.health.failed(self.turn, Cause.TIMEOUT)
        elif isinstance(error, UpstreamError) and not isinstance(error, UpstreamRefused):
            self.health.failed(self.turn, Cause.BROKEN)
        self.health.ended(self.turn, usage.input_tokens + usage.output_tokens)

    def let_go(self) -> None:
        """End the turn without a word about it, if nobody did yet."""
        self.health.ended(self.turn)

    def unused(self) -> None:
        """End the turn where nothing was sent."""
        self.health.ended(self.turn, 0)

    def failed(self, failure: Failure) -> None:
        """Say what became of an attempt that had not begun to answer; nobody works on a request that is at fault."""
        judge(self.health, self.turn, failure)
        is_unused = not failure.sent or isinstance(failure.error, UpstreamRefused)
        self.health.ended(self.turn, 0 if is_unused else None)


def judge(health: Health, turn: Turn, failure: Failure) -> None:
    """Tell health what a failure means for the way; what the caller did wrong, or was never sent, means nothing."""
    if failure.is_neutral or not failure.sent:
        return
    error, can_test = failure.error, is_testable(turn.use.endpoint)
    if failure.opens:
        health.told(turn, can_test=can_test)
    elif isinstance(error, UpstreamOverloaded):
        _judge_overloaded(health, turn, failure)
    elif isinstance(error, UpstreamMisconfigured) and failure.scope is Scope.CREDENTIAL:
        health.refused(turn, can_test=can_test, is_sure=failure.status == HTTPStatus.UNAUTHORIZED)
    elif isinstance(error, UpstreamTimeout):
        health.failed(turn, Cause.TIMEOUT)
    elif isinstance(error, UpstreamError) and not isinstance(error, UpstreamRefused):
        health.failed(turn, Cause.BROKEN)


def _judge_overloaded(health: Health, turn: Turn, failure: Failure) -> None:
    wait = failure.retry_after
    if wait is not None or failure.scope is Scope.CREDENTIAL:
        health.rested(turn, DEFAULT_REST if wait is None else wait)
    if failure.scope is Scope.CHANNEL:
        health.failed(turn, Cause.OVERLOADED)


def _barred(exchange: Exchange) -> dict[str, set[str]]:
    """Return the credentials that know nothing of what a request continues; none where any will do."""
    known = exchange.presented
    if known is None or exchange.plan is None:
        return {}
    channels = [each.channel for each in exchange.plan.candidates]
    return {each.name: others(each, known) for each in channels}


def others(channel: Channel, fingerprint: str) -> set[str]:
    """Return the fingerprints of all credentials but one; none of them where that one is gone."""
    known = {each.fingerprint for each in channel.credentials}
    return known - {fingerprint} if fingerprint in known else set()


def _prompt(exchange: Exchange) -> int:
    """Return about the least tokens of the prompt; none where the model cannot take it, for nobody will work on it."""
    if exchange.envelope is None:
        return 0
    tokens = least_prompt(exchange.envelope.prompt_bytes)
    context = exchange.model.context if exchange.model else None
    return tokens if context is None or tokens <= context else 0


class Draw:
    """Which candidate and credential comes next, for one exchange."""

    def __init__(self, exchange: Exchange, health: Health, retries: RetryBudget) -> None:
        """Begin at the front of the plan."""
        self._health = health
        self._retries = retries
        self._share = exchange.snapshot.server.retry_budget
        self._candidates = exchange.plan.candidates if exchange.plan else ()
        most = self._candidates[0].channel.retry.attempts if self._candidates else 0
        self._limit = min(MOST_ATTEMPTS, exchange.verdict.attempts or most)
        self._user = exchange.principal.user.id if exchange.principal else 0
        self._tokens = _prompt(exchange)
        self._index = 0
        self._attempts = 0
        self._desperate = False
        self._tried = _barred(exchange)
        """Fingerprints that were presented, or may not be, by channel."""
        self._broken: set[str] = set()
        """Channels that failed as a whole: not asked again in this exchange."""
        self._used_up: dict[str, RateLimited] = {}
        """What limits said of channels that they let nobody to now."""
        self._is_patient = True
        """Whether a limit may be waited for: once, for others wait for the same."""
        self._has_retry = False
        """Whether a retry was taken that was not made."""
        self._last: Failure | None = None
        self._unsaid: UnsupportedByModel | None = None

    def next(self) -> Chosen | None:
        """Return the next pair that is ready and untried; None when there is none or attempts are used up."""
        while self._attempts < self._limit and self._index < len(self._candidates):
            candidate = self._candidates[self._index]
            channel = candidate.channel
            if channel.name not in self._broken and channel.name not in self._used_up:
                turn = self._health.take(
                    channel, candidate.upstream_model, self._presented(channel), self._use(candidate)
                )
                if turn is not None:
                    return self._chosen(candidate, turn)
            self._index += 1
        return None

    def last_resort(self) -> Chosen | None:
        """Return the least bad of those that were ejected, once: an unlikely answer is better than none."""
        if self._desperate or self._attempts >= self._limit:
            return None
        self._desperate = True
        for candidate in sorted(self._left(), key=lambda each: self._health.rank(each.channel, each.upstream_model)):
            channel, presented = candidate.channel, self._presented(candidate.channel)
            if channel.name in self._used_up:
                continue
            turn = self._health.last_resort(channel, candidate.upstream_model, presented, self._use(candidate))
            if turn is not None:
                return self._chosen(candidate, turn)
        return None

    def failed(self, chosen: Chosen, failure: Failure) -> None:
        """Take note of a failure.

        Raises:
            GatewayError: the request itself is at fault, nobody else would take it; or nobody else is to be asked.
        """
        chosen.failed(failure)
        name = chosen.candidate.channel.name
        self._last = failure
        if failure.scope is Scope.REQUEST or failure.is_final:
            raise failure.error
        if not failure.sent:
            self._unmade()
        if failure.scope is Scope.CHANNEL:
            self._broken.add(name)
        elif isinstance(failure.error, UpstreamOverloaded):
            # Once it has rested it may be asked again: it is not the credential that was wrong.
            self._tried[name].discard(chosen.credential.fingerprint)

    def closed(self, chosen: Chosen, error: UnsupportedByModel) -> None:
        """Take note that a channel cannot be told the request: it was not asked, so no attempt was used up."""
        chosen.unused()
        self._unmade()
        self._broken.add(chosen.candidate.channel.name)
        self._unsaid = error

    def used_up(self, chosen: Chosen, refusal: RateLimited) -> None:
        """Take note that a limit lets nobody to a channel now: it is passed over like a full one."""
        chosen.unused()
        self._unmade()
        channel = chosen.candidate.channel
        self._presented(channel).discard(chosen.credential.fingerprint)
        self._used_up[channel.name] = refusal
        if chosen.turn.kind is Kind.LAST_RESORT:
            self._desperate = False

    def shortest_rest(self) -> float | None:
        """Return the seconds until some untried credential has rested; None when nothing is worth waiting for."""
        if self._attempts >= self._limit:
            return None
        return min((self._ready_in(each) for each in self._left()), default=None)

    def again(self) -> None:
        """Start over after a rest; attempts stay counted."""
        self._index = 0
        if self._used_up:
            self._used_up.clear()
            self._is_patient = False

    def verdict(self, wait: float | None) -> GatewayError:
        """The error the caller sees."""
        if self._last is not None:
            error = self._last.error
            if error.retry_after is None and isinstance(error, UpstreamOverloaded):
                error.retry_after = self._last.retry_after
            return error
        if (refusal := self._refusal(wait)) is not None:
            return refusal
        if self._unsaid is not None and wait is None:
            return self._unsaid
        if wait == NEVER and self._is_full():
            wait = WHEN_FULL
        if wait and wait != NEVER:
            busy = UpstreamOverloaded("The model is busy; try again later.", retry_after=wait)
            busy.__cause__ = Resting(c.channel.name for c in self._candidates)
            return busy
        return NoChannel("No channel can serve this model right now.")

    def _chosen(self, candidate: Candidate, turn: Turn) -> Chosen | None:
        """Count the attempt; None, and no more of them, when this would be one retry too many in this process."""
        if self._attempts and not self._has_retry and not self._retries.spend(self._share, self._user):
            self._health.ended(turn, 0)
            self._limit = self._attempts
            return None
        self._has_retry = False
        self._attempts += 1
        self._presented(candidate.channel).add(turn.credential.fingerprint)
        return Chosen(candidate, turn, self._health)

    def _unmade(self) -> None:
        """Count an attempt as not made, for nothing was sent."""
        self._attempts -= 1
        self._has_retry = self._attempts > 0

    def _refusal(self, wait: float | None) -> RateLimited | None:
        """Return what the limit said that lets somebody through soonest, unless a channel has rested before that."""
        if not self._used_up:
            return None
        seconds, refusal = min(((each.retry_after or 0.0, each) for each in self._used_up.values()), key=itemgetter(0))
        if wait is not None and wait < seconds:
            return None
        refusal.__cause__ = Resting(self._used_up)
        return refusal

    def _use(self, candidate: Candidate) -> Use:
        return Use(candidate.endpoint, self._tokens, self._user)

    def _presented(self, channel: Channel) -> set[str]:
        return self._tried.setdefault(channel.name, set())

    def _left(self) -> Iterator[Candidate]:
        """Yield the candidates that did not fail as a whole and have a credential that was not presented."""
        for candidate in self._candidates:
            channel = candidate.channel
            fingerprints = {each.fingerprint for each in channel.credentials or (NO_CREDENTIAL,)}
            if channel.name not in self._broken and not fingerprints <= self._tried.get(channel.name, set()):
                yield candidate

    def _ready_in(self, candidate: Candidate) -> float:
        presented = self._presented(candidate.channel)
        ready = self._health.ready_in(candidate.channel, candidate.upstream_model, presented, self._tokens)
        refusal = self._used_up.get(candidate.channel.name)
        if refusal is None:
            return ready
        return max(ready, refusal.retry_after or 0.0) if self._is_patient else NEVER

    def _is_full(self) -> bool:
        return any(self._health.is_full(each.channel, self._tokens) for each in self._left())
