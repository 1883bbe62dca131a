"""Try the plan's channels in order until one answers.

A failure costs an attempt and says how far it reaches: the request (nobody else would take it either), the credential
(another key of the same channel may do), or the channel. At most three attempts, all before the first content byte
and inside the deadlines. A Retry-After is honoured: the credential that asked for it rests, and when everything rests
the exchange waits only if the wait is short.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import NoReturn
from urllib.parse import urlsplit

from clinx.dialects.base import Encoded, StreamTap, UpstreamProblem, WholeAnswer
from clinx.domain.catalog import NO_CREDENTIAL, Channel, Credential
from clinx.domain.request_log import Attempt
from clinx.errors import GatewayError, NoChannel, UnsupportedByModel, UpstreamBroken, UpstreamError, UpstreamOverloaded
from clinx.relay.allowance import Allowance
from clinx.relay.exchange import Answer, Exchange
from clinx.relay.finish import Finisher
from clinx.relay.meter import Meter
from clinx.relay.stream import StreamedAnswer
from clinx.relay.translate import LARGE, Road, TranslatedRoad, losses_header, road_to
from clinx.routing.health import Health
from clinx.routing.plan import Candidate
from clinx.upstream.failures import Failure, Scope, classify
from clinx.upstream.request import RequestBuilder
from clinx.upstream.send import Sender, UpstreamResponse

MOST_ATTEMPTS = 3
LONGEST_WAIT = 5.0
"""Seconds an exchange may wait for a resting credential when nothing else is left."""

MOST_BEFORE_CONTENT = 256 << 10
"""Bytes of a stream that may come, and are kept, before its first content."""
DEFAULT_REST = 1.0
"""Seconds a credential rests when the upstream said 429 and not for how long."""
SUSPICION = 60.0
"""Seconds everything else is preferred to a credential that was refused."""

_ERROR_BODY = 1 << 20


class AttemptFailed(Exception):
    """One try did not work; carries how far the failure reaches."""

    def __init__(self, failure: Failure) -> None:
        """Keep the failure."""
        super().__init__(failure.error.code)
        self.failure = failure


class Resting(Exception):
    """The private cause of an answer that tried nobody: every credential was told to wait."""

    def __init__(self, channels: Iterable[str]) -> None:
        """Name the channels, for the operator."""
        super().__init__(f"resting: {', '.join(channels)}")


@dataclass(frozen=True, slots=True)
class _Opened:
    """An answer that holds; ``whole`` is what is to be settled before it goes out."""

    answer: Answer
    whole: WholeAnswer | None


@dataclass(frozen=True, slots=True)
class Attempts:
    """The tries of exchanges; holds what they share."""

    sender: Sender
    requests: RequestBuilder
    health: Health
    finisher: Finisher
    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def first_answer(self, exchange: Exchange) -> Answer:
        """Return the first answer that holds.

        Raises:
            UpstreamError: the last failure, when no candidate answered.
        """
        draw = _Draw(exchange, self.health)
        while True:
            chosen = draw.next()
            if chosen is None:
                await self._rest_or_give_up(exchange, draw)
                continue
            try:
                road = await _road(exchange, chosen[0])
                opened = await self._try(exchange, road, chosen[1])
            except UnsupportedByModel as error:
                draw.closed(chosen[0], error)
                continue
            except AttemptFailed as outcome:
                draw.failed(*chosen, outcome.failure)
                continue
            if opened.whole is not None:
                await self._settle(exchange, opened.whole)
            return opened.answer

    async def _settle(self, exchange: Exchange, whole: WholeAnswer) -> None:
        """Charge a whole answer before its caller sees it; a streamed one settles itself."""
        envelope, model = exchange.opened()
        usage = await Meter(exchange.dialect, envelope, model).total(whole.usage, "".join(whole.text))
        await self.finisher.settle(exchange, usage)

    async def _rest_or_give_up(self, exchange: Exchange, draw: _Draw) -> None:
        """Wait for the credential that is back soonest, if that is soon; else say why nobody answered."""
        wait = draw.shortest_rest()
        if wait is None or wait > LONGEST_WAIT or self.monotonic() + wait >= exchange.deadline:
            raise draw.verdict(wait)
        await exchange.upstream(self.sleep(wait))
        draw.again()

    async def _try(self, exchange: Exchange, road: Road, credential: Credential) -> _Opened:
        """Make one attempt and write down how it went."""
        candidate = road.candidate
        self.finisher.reroute(exchange, candidate.channel)
        started, status, outcome = self.monotonic(), None, "ok"
        try:
            response = await self._send(exchange, road, credential)
            status, exchange.upstream_id = response.status, response.upstream_id
            exchange.winner = candidate
            exchange.losses = road.losses
            return await self._read(exchange, road, credential, response)
        except AttemptFailed as failed:
            outcome = failed.failure.error.code
            raise
        except GatewayError as stopped:
            outcome = stopped.code
            raise
        finally:
            name = candidate.channel.name
            seconds = self.monotonic() - started
            exchange.attempts.append(
                Attempt(name, credential.fingerprint, candidate.upstream_model, outcome, status, round(seconds, 4))
            )
            self.finisher.metrics.attempts.add((name, outcome))

    async def _send(self, exchange: Exchange, road: Road, credential: Credential) -> UpstreamResponse:
        candidate = road.candidate
        try:
            request = self.requests.build(
                candidate.channel,
                candidate.endpoint,
                credential,
                candidate.upstream_model,
                road.body,
                accept_stream=exchange.streams,
                request_id=exchange.id,
                passed_on=road.headers,
            )
            return await exchange.upstream(self.sender.send(request, deadline=exchange.deadline))
        except UpstreamError as error:
            raise AttemptFailed(Failure(error, Scope.CHANNEL, None)) from error

    async def _read(
        self, exchange: Exchange, road: Road, credential: Credential, response: UpstreamResponse
    ) -> _Opened:
        try:
            if response.status != HTTPStatus.OK:
                await self._refuse(exchange, road, credential, response)
            is_events = response.content_type == "text/event-stream"
            if exchange.streams and is_events:
                return await self._open_stream(exchange, road, response)
            return await self._whole(exchange, road, response, is_events=is_events)
        except UpstreamError as error:
            await response.close()
            raise AttemptFailed(Failure(error, Scope.CHANNEL, None)) from error
        except BaseException:
            await response.close()
            raise

    async def _refuse(
        self, exchange: Exchange, road: Road, credential: Credential, response: UpstreamResponse
    ) -> NoReturn:
        """Say what an answer means that is no success: the only success of these dialects is 200."""
        body = await exchange.upstream(response.read(_ERROR_BODY))
        body = _without(body, credential.secret, urlsplit(road.candidate.channel.base_url).netloc)
        problem = road.dialect.read_problem(body)
        raise AttemptFailed(classify(response.status, response.headers, problem, body, response.content_type))

    async def _whole(self, exchange: Exchange, road: Road, response: UpstreamResponse, *, is_events: bool) -> _Opened:
        body = await exchange.upstream(response.read())
        if is_events:
            raise UpstreamBroken("The upstream answered with a stream that was not asked for.")
        answer = road.read_answer(body)
        if answer.problem is not None:
            raise AttemptFailed(_inside(response, answer.problem, body))
        if exchange.streams:
            raise UpstreamBroken("The upstream answered without the stream that was asked for.")
        rewritten = await _rewritten(road, body)
        exchange.losses = (*exchange.losses, *rewritten.losses)
        exchange.first_byte = self.monotonic()
        exchange.status = response.status
        return _Opened(Answer(response.status, _headers(exchange, "application/json"), rewritten.body), answer)

    async def _open_stream(self, exchange: Exchange, road: Road, response: UpstreamResponse) -> _Opened:
        """Read up to the first content: until then the next channel may still take over."""
        envelope, model = exchange.opened()
        tap = road.tap()
        chunks = response.chunks()
        try:
            head = await self._until_content(exchange, tap, chunks)
            _check_beginning(tap, response)
        except BaseException:
            await chunks.aclose()
            raise
        exchange.first_byte = self.monotonic()
        exchange.status = response.status
        meter = Meter(exchange.dialect, envelope, model)
        allowance = Allowance(exchange, tap, meter, cashier=self.finisher.cashier, monotonic=self.monotonic)
        body = StreamedAnswer(exchange, response, chunks, tap, meter, allowance, self.finisher)
        headers = _headers(exchange, "text/event-stream")
        return _Opened(Answer(response.status, headers, stream=body.run(head)), None)

    async def _until_content(self, exchange: Exchange, tap: StreamTap, chunks: AsyncGenerator[bytes, None]) -> bytes:
        head, received = bytearray(), 0
        while not (tap.started or tap.finished or tap.problem):
            try:
                data = await exchange.upstream(anext(chunks))
            except StopAsyncIteration:
                head += tap.close()
                break
            head += tap.feed(data)
            received += len(data)
            if received > MOST_BEFORE_CONTENT:
                raise UpstreamBroken("The upstream's stream has no content.")
        return bytes(head)


def _headers(exchange: Exchange, content_type: str) -> dict[str, str]:
    """Return the headers of an answer; a caller whose answer was shortened for want of money is told to how much."""
    shortened = {} if exchange.bound is None else {"Clinx-Max-Tokens": str(exchange.bound)}
    return {"Content-Type": content_type, **shortened, **losses_header(exchange.losses)}


async def _road(exchange: Exchange, candidate: Candidate) -> Road:
    """Prepare an attempt; in a thread, if there is so much to translate that others would wait for it."""
    envelope, _ = exchange.opened()
    is_translated = candidate.endpoint.dialect != envelope.dialect
    if is_translated and len(envelope.body.data) > LARGE:
        return await asyncio.to_thread(road_to, exchange, candidate)
    return road_to(exchange, candidate)


async def _rewritten(road: Road, body: bytes) -> Encoded:
    if len(body) > LARGE and isinstance(road, TranslatedRoad):
        return await asyncio.to_thread(road.rewrite, body)
    return road.rewrite(body)


def _check_beginning(tap: StreamTap, response: UpstreamResponse) -> None:
    if tap.problem is not None:
        raise AttemptFailed(_inside(response, tap.problem, b""))
    if not (tap.started or tap.finished):
        raise UpstreamBroken("The upstream's stream ended before any content.")


def _without(body: bytes, *private: str) -> bytes:
    """Take out of a vendor's words what is ours alone: some servers quote the request's headers back."""
    for text in private:
        if text:
            body = body.replace(text.encode(), b"***")
    return body


def _inside(response: UpstreamResponse, problem: UpstreamProblem, body: bytes) -> Failure:
    """Classify an error that came inside a 200 answer."""
    return classify(response.status, response.headers, problem, body, response.content_type)


class _Draw:
    """Which candidate and credential comes next, for one exchange."""

    def __init__(self, exchange: Exchange, health: Health) -> None:
        self._health = health
        self._candidates = exchange.plan.candidates if exchange.plan else ()
        self._limit = min(MOST_ATTEMPTS, max((c.channel.retry.attempts for c in self._candidates), default=0))
        self._index = 0
        self._attempts = 0
        self._tried: dict[str, set[str]] = {}
        """Fingerprints that were presented, by channel."""
        self._broken: set[str] = set()
        """Channels that failed as a whole: not asked again in this exchange."""
        self._last: Failure | None = None
        self._unsaid: UnsupportedByModel | None = None

    def next(self) -> tuple[Candidate, Credential] | None:
        """Return the next pair that is ready and untried; None when there is none or attempts are used up."""
        while self._attempts < self._limit and self._index < len(self._candidates):
            candidate = self._candidates[self._index]
            name = candidate.channel.name
            tried = self._tried.setdefault(name, set())
            credential = None if name in self._broken else self._health.pick(candidate.channel, tried)
            if credential is not None:
                self._attempts += 1
                tried.add(credential.fingerprint)
                return candidate, credential
            self._index += 1
        return None

    def failed(self, candidate: Candidate, credential: Credential, failure: Failure) -> None:
        """Take note of a failure.

        Raises:
            GatewayError: the request itself is at fault; nobody else would take it.
        """
        self._last = failure
        if failure.scope is Scope.REQUEST:
            raise failure.error
        if failure.scope is Scope.CHANNEL:
            self._broken.add(candidate.channel.name)
        elif _is_rest(failure):
            wait = DEFAULT_REST if failure.retry_after is None else failure.retry_after
            self._health.cool(candidate.channel, credential, wait)
            # Once it has rested it may be asked again: it is not the credential that was wrong.
            self._tried[candidate.channel.name].discard(credential.fingerprint)
        else:
            self._health.suspect(candidate.channel, credential, SUSPICION)

    def closed(self, candidate: Candidate, error: UnsupportedByModel) -> None:
        """Take note that a channel cannot be told the request: it was not asked, so no attempt was used up."""
        self._attempts -= 1
        self._broken.add(candidate.channel.name)
        self._unsaid = error

    def shortest_rest(self) -> float | None:
        """Return the seconds until some untried credential has rested; None when nothing is worth waiting for."""
        if self._attempts >= self._limit:
            return None
        resting = (c.channel for c in self._candidates if self._may_rest(c.channel))
        return min((self._health.ready_in(channel) for channel in resting), default=None)

    def _may_rest(self, channel: Channel) -> bool:
        fingerprints = {each.fingerprint for each in channel.credentials or (NO_CREDENTIAL,)}
        return channel.name not in self._broken and not fingerprints <= self._tried.get(channel.name, set())

    def again(self) -> None:
        """Start over after a rest; attempts stay counted."""
        self._index = 0

    def verdict(self, wait: float | None) -> GatewayError:
        """The error the caller sees."""
        if self._last is not None:
            error = self._last.error
            if error.retry_after is None:
                error.retry_after = self._last.retry_after if _is_rest(self._last) else None
            return error
        if self._unsaid is not None and wait is None:
            return self._unsaid
        if wait:
            busy = UpstreamOverloaded("The model is busy; try again later.", retry_after=wait)
            busy.__cause__ = Resting(c.channel.name for c in self._candidates)
            return busy
        return NoChannel("No channel can serve this model right now.")


def _is_rest(failure: Failure) -> bool:
    return isinstance(failure.error, UpstreamOverloaded)
