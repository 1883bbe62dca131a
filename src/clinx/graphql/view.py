"""The HTTP side of ``/graphql``: POST of JSON, server-sent events, and a WebSocket for subscriptions.

One operation a request: no batches, no multipart, nothing by GET. What is refused before it is an operation has a
status of its own; an operation is always answered with 200 and its errors inside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import web
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from clinx.errors import GatewayError
from clinx.graphql import ide
from clinx.graphql.context import Context
from clinx.graphql.doorman import Doorman
from clinx.graphql.edge import Edge
from clinx.graphql.operation import Operation, answer
from clinx.graphql.origins import cors_headers, is_foreign
from clinx.graphql.refused import Refused
from clinx.graphql.rooms import Services
from clinx.graphql.schema import ANSWERED, schema
from clinx.graphql.socket import Socket
from clinx.graphql.sse import stream

SECONDS: Final = 30.0
"""Most time an operation may take, and its body to arrive; subscriptions last."""

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Server": "clinx",
    "X-Content-Type-Options": "nosniff",
}


_BODY: Final = msgspec.json.Decoder(Operation)


@dataclass(frozen=True, slots=True)
class View:
    """Answers ``/graphql``."""

    services: Services
    edge: Edge

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; nothing is raised but what aiohttp itself would."""
        console = self.services.current.generation.snapshot.console
        secure = self.edge.is_secure(request)
        cors = cors_headers(request, console, secure=secure)
        if request.method == "OPTIONS":
            return _preflight(request, cors)
        request_id = self.services.new_id()
        headers = {**HEADERS, **cors, "x-request-id": request_id}
        try:
            if is_foreign(request, console, secure=secure):
                raise Refused(HTTPStatus.FORBIDDEN, "origin_not_allowed", "Pages of this origin may not ask.")  # noqa: TRY301
            if _wants_socket(request):
                return await self._conversed(request, secure=secure)
            if self.services.open_schema and ide.is_asked_for(request):
                return ide.page(headers)
            return await self._posted(request, request_id, headers, secure=secure)
        except Refused as error:
            return _refusal(error, headers)
        except GatewayError as error:
            return _refusal(Refused(HTTPStatus(error.status), error.code, error.message), headers)

    async def _conversed(self, request: web.BaseRequest, *, secure: bool) -> web.StreamResponse:
        doorman = Doorman(self.services, self.edge)
        await doorman.viewer(request)  # Whose key is none learns it at once.

        async def renew() -> Context:
            return await doorman.context(request, self.services.new_id(), secure=secure, streamed=True)

        return await Socket(self.services.supervisor, renew, partial(doorman.viewer, request))(request)

    async def _posted(
        self, request: web.BaseRequest, request_id: str, headers: Mapping[str, str], *, secure: bool
    ) -> web.StreamResponse:
        operation = await _read(request)
        doorman = Doorman(self.services, self.edge)
        streamed = "text/event-stream" in request.headers.get("Accept", "")
        context = await doorman.context(request, request_id, secure=secure, streamed=streamed)
        if streamed:
            return await stream(request, operation, context, headers, partial(doorman.viewer, request))
        body = await _execute(operation, context)
        response = web.Response(body=body, headers=headers, content_type="application/json", charset="utf-8")
        if context.session_secret is not None:
            seconds = int(context.snapshot.console.sign_in.session.total_seconds())
            self.edge.set_session(response, context.session_secret, secure=secure, seconds=seconds)
        return response


async def _execute(operation: Operation, context: Context) -> bytes:
    """Return the answer of a query or a mutation, which goes on to its end though the client may be gone."""
    try:
        async with asyncio.timeout(SECONDS):
            result = await schema.execute(
                operation.query,
                variable_values=operation.variables,
                context_value=context,
                operation_name=operation.operation_name,
                allowed_operation_types=ANSWERED,
            )
    except TimeoutError:
        raise Refused(HTTPStatus.GATEWAY_TIMEOUT, "timeout", f"It took longer than {SECONDS:g} seconds.") from None
    except (MissingQueryError, CannotGetOperationTypeError):
        said = "The document holds no operation, or none of that name."
        raise Refused(HTTPStatus.BAD_REQUEST, "no_such_operation", said) from None
    except InvalidOperationTypeError:
        said = "Follow subscriptions by server-sent events (Accept: text/event-stream) or over a WebSocket."
        raise Refused(HTTPStatus.BAD_REQUEST, "subscription_not_streamed", said) from None
    return msgspec.json.encode(answer(result.data, result.errors, context, result.extensions))


async def _read(request: web.BaseRequest) -> Operation:
    if request.method != "POST":
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", "Send operations by POST.")
    if request.content_type != "application/json":
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_content_type", "Send application/json.")
    try:
        async with asyncio.timeout(SECONDS):
            body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "payload_too_large", "Send at most one MiB.") from None
    except TimeoutError:
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, "request_timeout", "The body did not arrive in time.") from None
    except (web.RequestPayloadError, web.HTTPBadRequest, ConnectionError):
        raise Refused(HTTPStatus.BAD_REQUEST, "invalid_request", "The body is broken or cut short.") from None
    try:
        return _BODY.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        said = "Send one operation as a JSON object: query, variables, operationName."
        raise Refused(HTTPStatus.BAD_REQUEST, "invalid_request", said) from None


def _wants_socket(request: web.BaseRequest) -> bool:
    return request.method == "GET" and request.headers.get("Upgrade", "").lower() == "websocket"


def _refusal(error: Refused, headers: Mapping[str, str]) -> web.Response:
    body = {"errors": [{"message": error.message, "extensions": {"code": error.code}}]}
    allow = {"Allow": "POST, OPTIONS"} if error.status is HTTPStatus.METHOD_NOT_ALLOWED else {}
    return web.Response(
        status=error.status,
        body=msgspec.json.encode(body),
        headers={**headers, **allow},
        content_type="application/json",
        charset="utf-8",
    )


def _preflight(request: web.BaseRequest, cors: Mapping[str, str]) -> web.Response:
    if "Access-Control-Allow-Origin" not in cors:
        return web.Response(status=HTTPStatus.FORBIDDEN, headers={**HEADERS, **cors})
    allowed = {
        "Access-Control-Allow-Methods": "POST, OPTIONS",
        "Access-Control-Allow-Headers": request.headers.get("Access-Control-Request-Headers", "content-type"),
        "Access-Control-Max-Age": "600",
    }
    return web.Response(status=HTTPStatus.NO_CONTENT, headers={**HEADERS, **cors, **allowed})
