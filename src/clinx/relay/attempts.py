"""Try the plan's channels in order until one answers.

A failure costs an attempt and says how far it reaches: the request (nobody else would take it either), the credential
(another key of the same channel may do), or the channel. At most three attempts, all before the first content byte
and inside the deadlines. A Retry-After is honoured: the credential that asked for it rests, and when everything rests
the exchange waits only if the wait is short.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import NoReturn
from urllib.parse import urlsplit

from msgspec import Struct

from clinx.dialects.base import Encoded, StreamTap, WholeAnswer
from clinx.domain.catalog import Credential
from clinx.domain.request_log import Attempt
from clinx.domain.usage import Usage
from clinx.errors import GatewayError, RateLimited, UnsupportedByModel, UpstreamBroken, UpstreamError
from clinx.policies.gate import Outcome
from clinx.relay.allowance import Allowance
from clinx.relay.draw import Chosen, Draw
from clinx.relay.exchange import Answer, Exchange
from clinx.relay.finish import Finisher
from clinx.relay.losses import losses_header
from clinx.relay.meter import Meter
from clinx.relay.outbound import outbound_headers
from clinx.relay.stream import StreamedAnswer
from clinx.relay.translate import LARGE, Road, road_to, takes_long
from clinx.routing.health import Health
from clinx.routing.plan import Candidate
from clinx.routing.retries import RetryBudget
from clinx.upstream.failures import Failure, Scope, by_rules, cause_in_words, classify, inside
from clinx.upstream.request import RequestBuilder, UpstreamRequest
from clinx.upstream.send import Sender, UpstreamResponse

LONGEST_WAIT = 5.0
"""Seconds an exchange may wait for a resting credential when nothing else is left."""

MOST_BEFORE_CONTENT = 256 << 10
"""Bytes of a stream that are kept before its first content, besides the request if that is repeated."""
REPEATED = 2
"""How often a vendor repeats instructions and tools before the first content: as created, and as begun."""
MOST_UNSEEN = 64 << 20
"""Bytes of a stream that may come before it, whatever becomes of them."""

_ERROR_BODY = 1 << 20


class AttemptFailed(Exception):
    """One try did not work; carries how far the failure reaches."""

    def __init__(self, failure: Failure) -> None:
        """Keep the failure."""
        super().__init__(failure.error.code)
        self.failure = failure


FAILED = Outcome(success=False)
"""What limits are told of an attempt that was sent and not answered."""
NOTHING = Usage()
"""What a stream has used while it has not ended."""


class _Opened(Struct, frozen=True):
    """An answer that holds; ``whole`` is what is to be settled before it goes out."""

    answer: Answer
    whole: WholeAnswer | None
    usage: Usage = NOTHING
    """Of a whole answer: what is charged, and what the caller is told."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """The tries of exchanges; holds what they share."""

    sender: Sender
    requests: RequestBuilder
    health: Health
    finisher: Finisher
    monotonic: Callable[[], float]
    retries: RetryBudget
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def first_answer(self, exchange: Exchange) -> Answer:
        """Return the first answer that holds.

        Raises:
            UpstreamError: the last failure, when no candidate answered.
        """
        self.retries.exchange()
        exchange.routed_at = self.monotonic()
        draw = Draw(exchange, self.health, self.retries)
        while not exchange.attempts or self.monotonic() < exchange.deadline:
            chosen = draw.next() or await self._rest_or_give_up(exchange, draw)
            if chosen is None:
                continue
            exchange.let_go = chosen.let_go
            opened = await self._attempt(exchange, draw, chosen)
            if opened is not None:
                return opened.answer
        raise draw.verdict(None)  # Whoever is asked now is blamed for a deadline that others used up.

    async def _attempt(self, exchange: Exchange, draw: Draw, chosen: Chosen) -> _Opened | None:
        """Make one attempt, settle what is whole, and tell the draw what became of it; None when it failed."""
        try:
            road = await _road(exchange, chosen.candidate)
            if exchange.channel_gate is not None:
                # What the channel is limited to is taken last of all before it is asked.
                await exchange.channel_gate.enter(chosen.candidate.channel.name)
            opened = await self._try(exchange, road, chosen)
            if opened.whole is not None:
                exchange.stored_id, exchange.stored_items = opened.whole.stored_id, opened.whole.stored_items
                await self.finisher.settle(exchange, opened.usage)
                chosen.over(None, exchange.usage)
        except UnsupportedByModel as error:
            draw.closed(chosen, error)
        except RateLimited as refusal:
            draw.used_up(chosen, refusal)
        except AttemptFailed as outcome:
            draw.failed(chosen, outcome.failure)
            await _give_back(exchange, outcome.failure)
        except BaseException:
            chosen.let_go()
            raise
        else:
            return opened
        return None

    async def _rest_or_give_up(self, exchange: Exchange, draw: Draw) -> Chosen | None:
        """Wait for the credential that is back soonest, if that is soon; else take a last resort.

        Raises:
            GatewayError: there is none; it says why nobody answered.
        """
        wait = draw.shortest_rest()
        if wait is None or wait > LONGEST_WAIT or self.monotonic() + wait >= exchange.deadline:
            chosen = draw.last_resort()
            if chosen is None:
                raise draw.verdict(wait)
            return chosen
        await exchange.upstream(self.sleep(wait))
        draw.again()
        return None

    async def _try(self, exchange: Exchange, road: Road, chosen: Chosen) -> _Opened:
        """Make one attempt and write down how it went."""
        candidate, credential = road.candidate, chosen.credential
        self.finisher.reroute(exchange, candidate.channel)
        started, status, outcome, cause = self.monotonic(), None, "ok", None
        try:
            response = await self._send(exchange, road, credential)
            status, exchange.upstream_id = response.status, response.upstream_id
            exchange.winner = candidate
            exchange.losses = road.losses
            return await self._read(exchange, road, chosen, response)
        except AttemptFailed as failed:
            outcome, cause = failed.failure.error.code, cause_in_words(failed.failure.error)
            raise
        except GatewayError as stopped:
            outcome = stopped.code
            raise
        finally:
            name, model = candidate.channel.name, candidate.upstream_model
            seconds = round(self.monotonic() - started, 4)
            exchange.attempts.append(Attempt(name, credential.fingerprint, model, outcome, status, seconds, cause))
            self.finisher.metrics.attempts.add((name, outcome))

    async def _send(self, exchange: Exchange, road: Road, credential: Credential) -> UpstreamResponse:
        request, deadline = self._request(exchange, road, credential), exchange.deadline
        is_late = self.monotonic() >= deadline
        try:
            return await exchange.upstream(self.sender.send(request, deadline=deadline))
        except UpstreamError as error:
            raise AttemptFailed(Failure(error, Scope.CHANNEL, None, sent=not is_late)) from error

    def _request(self, exchange: Exchange, road: Road, credential: Credential) -> UpstreamRequest:
        candidate = road.candidate
        try:
            return self.requests.build(
                candidate.channel,
                candidate.endpoint,
                credential,
                candidate.upstream_model,
                road.body,
                accept_stream=exchange.streams,
                request_id=exchange.id,
                passed_on=outbound_headers(road.headers, exchange.verdict.headers),
            )
        except UpstreamError as error:
            raise AttemptFailed(Failure(error, Scope.CHANNEL, None, sent=False)) from error

    async def _read(self, exchange: Exchange, road: Road, chosen: Chosen, response: UpstreamResponse) -> _Opened:
        try:
            if response.status != HTTPStatus.OK:
                await self._refuse(exchange, road, chosen.credential, response)
            is_events = response.content_type == "text/event-stream"
            if exchange.streams and is_events:
                return await self._open_stream(exchange, road, chosen, response)
            return await self._whole(exchange, road, chosen, response, is_events=is_events)
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
        channel = road.candidate.channel
        body = await exchange.upstream(response.read(_ERROR_BODY))
        body = _without(body, credential.secret, urlsplit(channel.base_url).netloc)
        problem = road.dialect.read_problem(body)
        status = channel.status_map.get(response.status, response.status)
        failure = classify(status, response.headers, problem, body, response.content_type)
        raise AttemptFailed(by_rules(failure, problem, channel))

    async def _whole(
        self, exchange: Exchange, road: Road, chosen: Chosen, response: UpstreamResponse, *, is_events: bool
    ) -> _Opened:
        exchange.check()
        body = response.arrived()
        if body is None:
            body = await exchange.upstream(response.read())
        if is_events:
            raise UpstreamBroken("The upstream answered with a stream that was not asked for.")
        answer = road.read_answer(body)
        if answer.problem is not None:
            raise AttemptFailed(inside(response, answer.problem, road.candidate.channel, body))
        if exchange.streams:
            raise UpstreamBroken("The upstream answered without the stream that was asked for.")
        chosen.began()
        usage = await Meter(exchange.dialect, *exchange.opened()).total(answer.usage, "".join(answer.text))
        rewritten = await _rewritten(road, body, usage)
        if rewritten.losses:
            exchange.losses = (*exchange.losses, *rewritten.losses)
        exchange.first_byte = self.monotonic()
        exchange.status = response.status
        told = Answer(response.status, _headers(exchange, "application/json"), rewritten.body)
        return _Opened(told, answer, usage)

    async def _open_stream(self, exchange: Exchange, road: Road, chosen: Chosen, response: UpstreamResponse) -> _Opened:
        """Read up to the first content: until then the next channel may still take over."""
        envelope, model = exchange.opened()
        tap = road.tap()
        chunks = response.chunks()
        try:
            head = await self._until_content(exchange, tap, chunks, MOST_BEFORE_CONTENT + REPEATED * len(road.body))
            _check_beginning(road, tap, response)
        except BaseException:
            await chunks.aclose()
            raise
        chosen.began()
        exchange.first_byte = self.monotonic()
        exchange.status = response.status
        meter = Meter(exchange.dialect, envelope, model)
        allowance = Allowance(exchange, tap, meter, cashier=self.finisher.cashier, monotonic=self.monotonic)
        body = StreamedAnswer(exchange, response, chunks, tap, meter, allowance, self.finisher, chosen)
        headers = _headers(exchange, "text/event-stream")
        return _Opened(Answer(response.status, headers, stream=body.run(head)), None)

    async def _until_content(
        self, exchange: Exchange, tap: StreamTap, chunks: AsyncGenerator[bytes, None], most: int
    ) -> bytes:
        head, received = bytearray(), 0
        while not (tap.started or tap.finished or tap.problem):
            try:
                data = await exchange.upstream(anext(chunks))
            except StopAsyncIteration:
                head += tap.close()
                break
            head += tap.feed(data)
            received += len(data)
            # An event that is not complete is bounded by its format: a picture comes as one, and is content.
            if len(head) > most or received > MOST_UNSEEN:
                raise UpstreamBroken("The upstream's stream has no content.")
        return bytes(head)


def _headers(exchange: Exchange, content_type: str) -> dict[str, str]:
    """Return the headers of an answer; a caller whose answer was shortened for want of money is told to how much."""
    headers = {"Content-Type": content_type}
    if exchange.bound is not None:
        headers["Clinx-Max-Tokens"] = str(exchange.bound)
    if exchange.losses:
        headers.update(losses_header(exchange.losses))
    return headers


async def _road(exchange: Exchange, candidate: Candidate) -> Road:
    """Prepare an attempt; in a thread, if there is so much to translate that others would wait for it."""
    envelope, _ = exchange.opened()
    is_translated = candidate.endpoint.dialect != envelope.dialect
    if is_translated and len(envelope.body.data) > LARGE:
        return await asyncio.to_thread(road_to, exchange, candidate)
    return road_to(exchange, candidate)


async def _give_back(exchange: Exchange, failure: Failure) -> None:
    """Tell the limits of a channel that it did not answer; of an attempt that does, the exchange's end tells them."""
    if exchange.channel_gate is not None:
        await exchange.channel_gate.leave(FAILED if failure.sent else None)


async def _rewritten(road: Road, body: bytes, usage: Usage) -> Encoded:
    if takes_long(road, len(body)):
        return await asyncio.to_thread(road.rewrite, body, usage)
    return road.rewrite(body, usage)


def _check_beginning(road: Road, tap: StreamTap, response: UpstreamResponse) -> None:
    if tap.problem is not None:
        raise AttemptFailed(inside(response, tap.problem, road.candidate.channel))
    if not (tap.started or tap.finished):
        raise UpstreamBroken("The upstream's stream ended before any content.")


def _without(body: bytes, *private: str) -> bytes:
    """Take out of a vendor's words what is ours alone: some servers quote the request's headers back."""
    for text in private:
        if text:
            body = body.replace(text.encode(), b"***")
    return body
