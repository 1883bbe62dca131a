"""Answers that a vendor keeps: who may continue one or ask about it, and which channel must be asked.

An answer is known to the channel that made it, under the credential it was made with, and belongs to the user it was
made for; to anybody else it does not exist. Questions about it cost nothing and are asked once: no other channel could
answer them. So the circuits of channels are not asked whether to ask, and not told how it went.

The operator's rules hold for questions as for calls, and what is read back passes the rules on answers once more: they
may be others by now.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Final, NoReturn, TypeAlias
from urllib.parse import urlsplit

from msgspec import structs

from clinx.dialects.base import Envelope, StoredQuestion, StreamTap
from clinx.domain.catalog import NO_CREDENTIAL, Channel, Credential, Group
from clinx.domain.operation import Operation
from clinx.domain.request_log import Keeper
from clinx.domain.steering import Steer
from clinx.domain.usage import Usage
from clinx.errors import (
    ClientGone,
    GatewayError,
    InvalidRequest,
    PreviousResponseNotFound,
    ResponseNotFound,
    UpstreamBroken,
)
from clinx.relay.exchange import Answer, Exchange
from clinx.relay.finish import Finisher
from clinx.relay.guarding import check_answer
from clinx.relay.outbound import outbound_headers
from clinx.relay.scans import Scans
from clinx.relay.translate import kept_tap
from clinx.relay.translating_tap import TranslatingTap
from clinx.routing.health import Health
from clinx.routing.plan import Candidate, plan
from clinx.upstream.failures import classify
from clinx.upstream.request import RequestBuilder
from clinx.upstream.send import Sender, UpstreamResponse

Find: TypeAlias = Callable[[int, str], Awaitable[Keeper | None]]
"""A user and the id of an answer to who keeps it, as the request log knows it."""

_JSON: Final[Mapping[str, str]] = MappingProxyType({"Content-Type": "application/json"})
_EVENTS: Final[Mapping[str, str]] = MappingProxyType({"Content-Type": "text/event-stream"})
_ERROR_BODY: Final = 1 << 20
_LONGEST_ID: Final = 200
_MIDDLE: Final = "starting_after"
_NO_ITEM: Final = "Send the item itself, or continue its answer with 'previous_response_id'."
_NO_MIDDLE: Final = "Rules look at this answer, so it cannot be streamed from its middle."


@dataclass(frozen=True, slots=True)
class Stored:
    """Looks for keepers, and asks them."""

    find: Find
    finisher: Finisher
    sender: Sender
    requests: RequestBuilder
    health: Health
    draw: random.Random
    scans: Scans

    async def steered(self, exchange: Exchange, steer: Steer) -> Steer:
        """Return the steer of a request: one that continues an answer, or refers to an item, goes to who keeps that.

        Raises:
            PreviousResponseNotFound: nobody keeps the answer for this caller.
            InvalidRequest: nobody is known to keep the item for this caller.
        """
        envelope = exchange.envelope
        if envelope is None:
            return steer
        keeper = self._items_keeper(exchange, envelope.refers)
        if (answer := envelope.continues) is not None:
            keeper = await self._keeper(exchange, answer)
            if keeper is None:
                raise PreviousResponseNotFound(
                    f"Previous response with id '{answer[:_LONGEST_ID]}' not found.", param="previous_response_id"
                )
        if keeper is None:
            return steer
        exchange.presented = keeper.credential
        return structs.replace(steer, pinned=keeper.channel)

    async def found(self, exchange: Exchange, envelope: Envelope, question: StoredQuestion) -> Keeper | None:
        """Return who keeps the answer that is asked about, and note its model; None where nobody does."""
        keeper = await self._keeper(exchange, question.id)
        if keeper is not None:
            exchange.envelope = structs.replace(envelope, model=keeper.model)
            exchange.asked_model = keeper.asked_model or keeper.model
        return keeper

    async def answer(self, exchange: Exchange, question: StoredQuestion, keeper: Keeper | None, group: Group) -> Answer:
        """Answer a question about a kept answer.

        Raises:
            ResponseNotFound: nobody keeps it for this caller.
            InvalidRequest: a stream is asked for from its middle, and rules have to look at it.
            GatewayError: its keeper cannot be asked, or refuses; or a rule does not let its answer pass.
        """
        if keeper is None:
            raise ResponseNotFound(f"Response with id '{question.id}' not found.")
        if exchange.filters and exchange.streams and any(name == _MIDDLE for name, _ in question.query):
            raise InvalidRequest(_NO_MIDDLE, hint="Retrieve it whole: leave out `stream`.", param=_MIDDLE)
        exchange.winner = candidate = self._candidate(exchange, keeper, group)
        credential = credential_of(candidate.channel, keeper.credential)
        request = self.requests.about(
            candidate.channel,
            candidate.endpoint,
            credential,
            candidate.upstream_model,
            question,
            accept_stream=exchange.streams,
            request_id=exchange.id,
            passed_on=outbound_headers({}, exchange.verdict.headers),
        )
        deadline = exchange.started + candidate.channel.timeouts.total
        response = await exchange.upstream(self.sender.send(request, deadline=deadline))
        exchange.upstream_id = response.upstream_id
        if response.status != HTTPStatus.OK:
            await self._refuse(exchange, candidate, credential, response)
        return await self._opened(exchange, candidate, response)

    def _items_keeper(self, exchange: Exchange, items: Sequence[str]) -> Keeper | None:
        """Return who keeps the last of these items; each of them must be of an answer to this caller."""
        user, keeper = exchange.caller().user.id, None
        for item in items:
            keeper = self.finisher.kept_items.keeper(user, item)
            if keeper is None:
                raise InvalidRequest(f"Item with id '{item[:_LONGEST_ID]}' not found.", hint=_NO_ITEM, param="input")
        return keeper

    async def _keeper(self, exchange: Exchange, answer: str) -> Keeper | None:
        user = exchange.caller().user.id
        return self.finisher.kept.keeper(user, answer) or await self.find(user, answer)

    def _candidate(self, exchange: Exchange, keeper: Keeper, group: Group) -> Candidate:
        return plan(
            exchange.snapshot.routes,
            exchange.snapshot.groups,
            group=group,
            model=keeper.model,
            operation=Operation.CHAT,
            dialect=exchange.dialect.name,
            draw=self.draw,
            health=self.health,
            steer=Steer(pinned=keeper.channel),
        ).candidates[0]

    async def _refuse(
        self, exchange: Exchange, candidate: Candidate, credential: Credential, response: UpstreamResponse
    ) -> NoReturn:
        body = await exchange.upstream(response.read(_ERROR_BODY))
        for private in (credential.secret, urlsplit(candidate.channel.base_url).netloc):
            body = body.replace(private.encode(), b"***") if private else body
        problem = exchange.dialect.read_problem(body)
        raise classify(response.status, response.headers, problem, body, response.content_type).error

    async def _opened(self, exchange: Exchange, candidate: Candidate, response: UpstreamResponse) -> Answer:
        envelope = exchange.envelope
        exchange.status = response.status
        if envelope is not None and envelope.stream and response.content_type == "text/event-stream":
            tap = exchange.dialect.tap(envelope, candidate.channel.provider.stream_end)
            tap = kept_tap(exchange, envelope, tap)
            return Answer(response.status, _EVENTS, stream=self._stream(exchange, response, tap))
        body = await exchange.upstream(response.read())
        body = await check_answer(exchange, body, self.finisher.metrics, self.scans)
        await self.finisher.settle(exchange, Usage())
        return Answer(response.status, _JSON, body)

    async def _stream(
        self, exchange: Exchange, response: UpstreamResponse, tap: StreamTap
    ) -> AsyncGenerator[bytes, None]:
        """Yield a kept answer as it comes once more; it was paid for when it was made."""
        error: GatewayError | None = None
        chunks = response.chunks()
        try:
            try:
                async for piece in _until_the_end(exchange, chunks, tap):
                    yield piece
            except GatewayError as failure:
                error = failure
            if error is None and not tap.finished:
                error = UpstreamBroken("The upstream's answer broke off before its end.")
            if error is None:
                yield tap.end(tap.usage or Usage()) if isinstance(tap, TranslatingTap) else tap.tail
            elif not isinstance(error, ClientGone):
                yield exchange.dialect.render_stream_error(error, exchange.id)
        except (GeneratorExit, asyncio.CancelledError):
            error = exchange.stopped or ClientGone("The caller hung up.")
            raise
        finally:
            await self.finisher.settle(exchange, Usage(), error)
            await chunks.aclose()
            await response.close()


async def _until_the_end(
    exchange: Exchange, chunks: AsyncGenerator[bytes, None], tap: StreamTap
) -> AsyncGenerator[bytes, None]:
    while not (tap.finished and tap.tail) and tap.problem is None:
        try:
            data = await exchange.upstream(anext(chunks))
        except StopAsyncIteration:
            yield tap.close()
            return
        yield tap.feed(data)


def credential_of(channel: Channel, fingerprint: str) -> Credential:
    """Return the credential an answer was made with; where it was replaced, the first one, which knows as much."""
    credentials = channel.credentials or (NO_CREDENTIAL,)
    return next((each for each in credentials if each.fingerprint == fingerprint), credentials[0])
