"""Tries channels out: those that ask for it, and those whose credential was refused, so that no caller has to.

A test is a real small request of the right operation, sent as any other and billed to nobody. An answer closes the
circuit, a failure opens it. What only says that our small request is not to the model's taste says nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Protocol

from clinx.config.snapshot import Snapshot
from clinx.dialects.base import Dialect, Envelope, Inbound
from clinx.dialects.registry import DIALECTS
from clinx.domain.catalog import NO_CREDENTIAL, Channel, Credential, Group, UpstreamEndpoint
from clinx.domain.operation import Operation
from clinx.domain.usage import Usage
from clinx.errors import GatewayError, UpstreamError
from clinx.relay.draw import judge
from clinx.relay.outbound import outbound_body
from clinx.relay.small_request import is_testable, small_request
from clinx.routing.health import Health
from clinx.routing.pattern import is_pattern
from clinx.routing.plan import Candidate
from clinx.routing.way import Turn, Use
from clinx.telemetry.logs import say
from clinx.telemetry.metrics import Metrics
from clinx.telemetry.tasks import Supervisor
from clinx.upstream.failures import Failure, Scope, by_rules, classify
from clinx.upstream.request import RequestBuilder
from clinx.upstream.send import Sender, UpstreamResponse

log = logging.getLogger("clinx.relay")

TICK: Final = 1.0
"""Seconds between two looks at what is due."""
PATIENCE: Final = 30.0
"""Seconds that a test may take."""

_ERROR_BODY: Final = 1 << 20
_NOBODY: Final = Group("")
_EMBEDDING: Final = ("embed", "bge-", "m3e")


Key = tuple[str, str, str, str]
"""Channel, credential, model and manner."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One test: who is asked, for what, and where."""

    channel: Channel
    credential: Credential
    model: str
    """The upstream's name."""
    endpoint: UpstreamEndpoint

    @property
    def key(self) -> Key:
        """What there is one test of at a time."""
        return self.channel.name, self.credential.fingerprint, self.model, self.channel.manner


@dataclass(frozen=True, slots=True)
class Ended:
    """How the last test of a channel ended."""

    trial: Trial
    outcome: str
    at: float
    """Monotonic seconds."""


class Watch(Protocol):
    """Is told how a test goes."""

    def answered(self, status: int) -> None:
        """Take note that status and headers are there."""
        ...

    def read(self, usage: Usage | None) -> None:
        """Take note that the answer is whole, and what the upstream reports."""
        ...

    def failed(self, failure: Failure) -> None:
        """Take note that it failed, and why."""
        ...


class Unwatched:
    """Tells nobody."""

    def answered(self, status: int) -> None:
        """Do nothing."""

    def read(self, usage: Usage | None) -> None:
        """Do nothing."""

    def failed(self, failure: Failure) -> None:
        """Do nothing."""


_NOBODY_WATCHES: Final = Unwatched()


@dataclass(slots=True)
class ChannelTests:
    """Finds what is due, and tests it."""

    health: Health
    sender: Sender
    requests: RequestBuilder
    supervisor: Supervisor
    metrics: Metrics
    served: Callable[[], tuple[Snapshot, ...]]
    """Every tree that is: two while one is on trial."""
    is_disabled: Callable[[str], bool]
    """Whether an operator says that nothing is sent to a channel now."""
    monotonic: Callable[[], float]
    jitter: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    last: dict[str, Ended] = field(default_factory=dict[str, Ended])
    """By channel, of those that are in a tree that is served."""
    _seen: tuple[Snapshot, ...] = ()
    _due: dict[Key, float] = field(default_factory=dict[Key, float])
    _running: set[Key] = field(default_factory=set[Key])

    async def run(self) -> None:
        """Look again and again; never returns."""
        while True:
            self.look()
            await self.sleep(TICK)

    def look(self) -> None:
        """Start the tests that are due, and let health forget what is gone."""
        served = self.served()
        self.health.settle()
        if list(map(id, served)) != list(map(id, self._seen)):
            self._seen = served
            self.health.forget_others(channel for each in served for channel in each.channels.values())
            self._schedule()
            gone = self.last.keys() - {name for each in served for name in each.channels}
            for name in gone:
                del self.last[name]
        for trial in (*self._asked_for(), *self._held()):
            if trial.key not in self._running and not self.is_disabled(trial.channel.name):
                self._running.add(trial.key)
                self.supervisor.start(self._run(trial), name=f"test of {trial.channel.name}", endless=True)

    async def test(self, trial: Trial, watch: Watch = _NOBODY_WATCHES) -> str:
        """Test one way and tell health; return the outcome: ``ok``, a code of the error tree, or ``full``."""
        turn = self.health.try_out(trial.channel, trial.credential, trial.model, Use(trial.endpoint))
        if turn is None:
            return "full"
        try:
            failure = await self._ask(trial, watch)
            self._tell(turn, failure)
        finally:
            self.health.ended(turn)
        outcome = "ok" if failure is None else failure.error.code
        self.last[trial.channel.name] = Ended(trial, outcome, self.monotonic())
        if failure is not None:
            watch.failed(failure)
        return outcome

    async def _run(self, trial: Trial) -> None:
        started, outcome = self.monotonic(), "internal"
        try:
            outcome = await self.test(trial)
        finally:
            self._running.discard(trial.key)
            self.metrics.channel_tests.add((trial.channel.name, outcome))
            fields = {
                "channel": trial.channel.name,
                "credential": trial.credential.fingerprint,
                "upstream_model": trial.model,
                "outcome": outcome,
                "seconds": round(self.monotonic() - started, 4),
            }
            say(log, "channel.tested", fields)

    def _schedule(self) -> None:
        """Spread the first tests of a tree over their interval, and keep to the times of those that go on."""
        now = self.monotonic()
        wanted = {trial.key: trial for trial in self._wanted()}
        self._due = {
            key: self._due.get(key, now + _every(trial.channel) * self.jitter()) for key, trial in wanted.items()
        }

    def _wanted(self) -> Iterator[Trial]:
        return (trial for each in self._seen for trial in _wanted(each))

    def _asked_for(self) -> Iterator[Trial]:
        now = self.monotonic()
        if not any(at <= now for at in self._due.values()):
            return
        for trial in self._wanted():
            if self._due.get(trial.key, now + 1) <= now:
                self._due[trial.key] = now + _every(trial.channel)
                yield trial

    def _held(self) -> Iterator[Trial]:
        for way in self.health.due_for_test():
            known = (channel for each in self._seen if (channel := each.channels.get(way.channel)) is not None)
            channel = next((each for each in known if each.manner == way.manner), None)
            for credential in channel.credentials or (NO_CREDENTIAL,) if channel is not None else ():
                if channel is not None and credential.fingerprint == way.credential and is_testable(way.endpoint):
                    yield Trial(channel, credential, way.model, way.endpoint)

    def _tell(self, turn: Turn, failure: Failure | None) -> None:
        if failure is None:
            self.health.began(turn)
            self.health.succeeded(turn)
        elif failure.scope is not Scope.REQUEST:
            judge(self.health, turn, failure)

    async def _ask(self, trial: Trial, watch: Watch) -> Failure | None:
        """Send the small request; None when it was answered."""
        dialect = DIALECTS[trial.endpoint.dialect]
        try:
            envelope = _envelope(dialect, trial)
            candidate = Candidate(trial.channel, trial.model, _NOBODY, trial.endpoint)
            request = self.requests.build(
                trial.channel,
                trial.endpoint,
                trial.credential,
                trial.model,
                outbound_body(envelope, dialect, candidate),
                accept_stream=False,
                request_id="channel-test",
            )
            response = await self.sender.send(request, deadline=self.monotonic() + PATIENCE)
            watch.answered(response.status)
            return await _read(response, dialect, envelope, trial.channel, watch)
        except UpstreamError as error:
            return Failure(error, Scope.CHANNEL, None)
        except GatewayError as error:
            return Failure(error, Scope.REQUEST, None)


def _every(channel: Channel) -> float:
    return channel.test.every if channel.test is not None else 0.0


def _wanted(snapshot: Snapshot) -> Iterator[Trial]:
    """Yield what the tree asks to be tested, due or not."""
    for channel in snapshot.channels.values():
        if channel.test is None:
            continue
        public = channel.test.model or next((name for name in channel.models if not is_pattern(name)), None)
        endpoint = None if public is None else endpoint_for(channel, public)
        if public is not None and endpoint is not None:
            for credential in channel.credentials or (NO_CREDENTIAL,):
                yield Trial(channel, credential, channel.models[public], endpoint)


def endpoint_for(channel: Channel, model: str) -> UpstreamEndpoint | None:
    """Return where a channel is tested: by the operation that its tree names, else by what the model's name says."""
    testable = [endpoint for endpoint in channel.provider.endpoints if is_testable(endpoint)]
    wanted = channel.test.operation if channel.test is not None else None
    if wanted is None:
        wanted = Operation.EMBED if any(word in model.lower() for word in _EMBEDDING) else Operation.CHAT
        testable.sort(key=lambda endpoint: endpoint.operation is not wanted)
        return testable[0] if testable else None
    return next((endpoint for endpoint in testable if endpoint.operation is wanted), None)


def _envelope(dialect: Dialect, trial: Trial) -> Envelope:
    match = {"model": trial.model, "method": "generateContent"}
    body = small_request(trial.endpoint, trial.model)
    return dialect.open_request(trial.endpoint.operation, Inbound("POST", "", match, {}, {}, body))


async def _read(
    response: UpstreamResponse, dialect: Dialect, envelope: Envelope, channel: Channel, watch: Watch
) -> Failure | None:
    try:
        if response.status != HTTPStatus.OK:
            body = await response.read(_ERROR_BODY)
            problem = dialect.read_problem(body)
            status = channel.status_map.get(response.status, response.status)
        else:
            body = await response.read()
            answer = dialect.read_answer(envelope, body)
            problem, status = answer.problem, response.status
            if problem is None:
                watch.read(answer.usage)
                return None
        failure = classify(status, response.headers, problem, body, response.content_type)
        return by_rules(failure, problem, channel)
    finally:
        await response.close()
