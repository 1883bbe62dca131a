"""HTTP request to Exchange to HTTP response."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from clinx.config.snapshot import Snapshot
from clinx.dialects.base import Inbound
from clinx.dialects.credentials import find_credential
from clinx.dialects.registry import dialect_for_path, speaker
from clinx.domain.catalog import Endpoint
from clinx.errors import GatewayError
from clinx.relay.exchange import Answer, Exchange
from clinx.relay.finish import Finisher
from clinx.relay.pipeline import Relay
from clinx.web import respond
from clinx.web.address import client_address
from clinx.web.body import read_body
from clinx.web.errors import answer_or_error, rendered
from clinx.web.presence import Presence, Visit

_CLIENT_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
"""What a caller's own request id may look like: it goes into a header and a log line."""


@dataclass(frozen=True, slots=True)
class Handler:
    """Answers relay requests; the only place where aiohttp's and the relay's nouns meet."""

    relay: Relay
    finisher: Finisher
    presence: Presence
    monotonic: Callable[[], float]
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    observe: Callable[[Snapshot, GatewayError | None], None] = lambda _snapshot, _error: None
    """Told how each call ended, for the figures of a revision on trial."""

    async def handle(
        self,
        request: web.BaseRequest,
        snapshot: Snapshot,
        endpoint: Endpoint,
        match: Mapping[str, str],
        cors: Mapping[str, str],
    ) -> web.StreamResponse:
        """Answer one request; every failure becomes an answer in the caller's dialect."""
        exchange = self._open(request, snapshot, endpoint, match)
        headers = {**_id_headers(exchange.id, exchange.client_id), **cors}
        visit = self.presence.enter(exchange, request)
        try:
            answer = await answer_or_error(exchange, self.relay, self.finisher)
            return await self._write(request, answer, headers, visit)
        except BaseException:
            # Cancelled, or the connection broke in a way nobody foresaw: whatever is open is given back.
            await self.finisher.abandon(exchange)
            raise
        finally:
            self._over(exchange, visit)

    def _over(self, exchange: Exchange, visit: Visit) -> None:
        """Give back the exchange's places, whatever of that fails: one defect must not shut others out."""
        try:
            if exchange.endpoint.operation.is_billed:
                self.observe(exchange.snapshot, exchange.error)
        finally:
            try:
                if exchange.seat is not None:
                    exchange.seat.leave()
            finally:
                self.presence.depart(visit)

    async def _write(
        self, request: web.BaseRequest, answer: Answer, headers: Mapping[str, str], visit: Visit
    ) -> web.StreamResponse:
        if answer.stream is None and len(answer.body) > respond.WATCHED:
            return await respond.watched(request, answer, headers, visit, self.presence)
        if answer.stream is None:
            return respond.whole(answer, headers, request)
        return await respond.stream(request, answer, headers, visit, self.presence)

    def refuse(self, request: web.BaseRequest, error: GatewayError, cors: Mapping[str, str]) -> web.StreamResponse:
        """Answer where no endpoint is, in the dialect whose prefix the path shares."""
        request_id = self.new_id()
        answer = rendered(dialect_for_path(request.path), error, request_id)
        return respond.whole(answer, {**_id_headers(request_id, _client_id(request)), **cors}, request)

    def _open(
        self, request: web.BaseRequest, snapshot: Snapshot, endpoint: Endpoint, match: Mapping[str, str]
    ) -> Exchange:
        return Exchange(
            id=self.new_id(),
            at=self.now(),
            started=self.monotonic(),
            snapshot=snapshot,
            dialect=speaker(endpoint, request.headers),
            endpoint=endpoint,
            secret=find_credential(request.headers, request.query),
            address=client_address(request, snapshot.server.trusted_proxies),
            receive=_receiver(request, snapshot, match),
            client_id=_client_id(request),
        )


def _receiver(
    request: web.BaseRequest, snapshot: Snapshot, match: Mapping[str, str]
) -> Callable[[], Awaitable[Inbound]]:
    async def receive() -> Inbound:
        server = snapshot.server
        body = await read_body(request, limit=server.max_body, seconds=server.body_timeout)
        return Inbound(request.method, request.path, dict(match), request.query, request.headers, body)

    return receive


def _client_id(request: web.BaseRequest) -> str | None:
    given = request.headers.get("X-Request-Id", "")
    return given if _CLIENT_ID.fullmatch(given) else None


def _id_headers(request_id: str, client_id: str | None) -> dict[str, str]:
    """Ours always; the conventional header carries the caller's own id when there is one."""
    return {"x-request-id": client_id or request_id, "clinx-request-id": request_id, "Server": "clinx"}
