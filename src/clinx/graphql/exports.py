"""Exports of request logs: a file of any length, written while it is read, in the memory of a page.

Who may export is who may list: the same session or access key, the same filter. Once a page it is found out anew who
asks. A file that breaks off, because that changed or the database went away, breaks off: its connection is cut, so
nobody takes it for whole.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Generator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import ClientConnectionResetError, web

from clinx.domain.request_log import RequestLog
from clinx.errors import GatewayError
from clinx.graphql.context import Context, Viewer
from clinx.graphql.doorman import Doorman
from clinx.graphql.edge import Edge
from clinx.graphql.errors import Forbidden, Problem, Refusal, SignInFirst
from clinx.graphql.origins import cors_headers, is_foreign
from clinx.graphql.permissions import Permission
from clinx.graphql.refused import Refused
from clinx.graphql.request_logs.addresses import Format, read
from clinx.graphql.request_logs.wanted import wanted
from clinx.graphql.request_logs.writing import shown, writer
from clinx.graphql.rooms import Services
from clinx.graphql.users.whose import either
from clinx.graphql.view import HEADERS
from clinx.storage import search
from clinx.storage.search import Filter

PAGE: Final = 250
"""Logs that are written at once: some milliseconds in which nothing else runs."""
MOST: Final = 8
"""Exports of this process at a time."""
MOST_OF_ONE: Final = 2
"""Of one user."""

_RULE: Final = either(Permission.REQUEST_LOG_READ)
_TYPES: Final = {Format.CSV: "text/csv; charset=utf-8", Format.JSONL: "application/jsonl; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Exports:
    """Answers `clinx.graphql.request_logs.addresses.EXPORT`."""

    services: Services
    edge: Edge
    running: Counter[int] = field(default_factory=Counter[int])
    """How many each user has under way."""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; nothing is raised but what aiohttp itself would."""
        console = self.services.current.generation.snapshot.console
        secure = self.edge.is_secure(request)
        request_id = self.services.new_id()
        headers = {**HEADERS, **cors_headers(request, console, secure=secure), "x-request-id": request_id}
        try:
            if request.method != "GET":
                raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", "Fetch exports by GET.")  # noqa: TRY301
            if is_foreign(request, console, secure=secure):
                raise Refused(HTTPStatus.FORBIDDEN, "origin_not_allowed", "Pages of this origin may not ask.")  # noqa: TRY301
            context = await Doorman(self.services, self.edge).context(request, request_id, secure=secure)
            _RULE.check(context, None)
            asked, format_ = read(request.query)
            sought = wanted(context, asked)
            with self._place(context):
                return await self._written(request, context, sought, format_, headers)
        except (Refused, Refusal, Problem, GatewayError) as error:
            return _refusal(error, headers)

    async def _written(
        self,
        request: web.BaseRequest,
        context: Context,
        sought: Filter,
        format_: Format,
        headers: Mapping[str, str],
    ) -> web.StreamResponse:
        name = f"request-logs-{sought.since:%Y%m%d}-{sought.until:%Y%m%d}.{format_}"
        named = {"Content-Type": _TYPES[format_], "Content-Disposition": f'attachment; filename="{name}"'}
        head, encode = writer(format_, shown(context.may))
        async with contextlib.aclosing(self._pages(request, context, sought)) as pages:
            first = await anext(pages, list[RequestLog]())  # What fails now is still answered as a failure.
            response = web.StreamResponse(headers={**headers, **named})
            await response.prepare(request)
            try:
                await response.write(head + encode(first))
                async for logs in pages:
                    await response.write(encode(logs))
                await response.write_eof()
            except (ClientConnectionResetError, ConnectionResetError):
                pass
            except (Refused, Refusal, GatewayError):
                response.force_close()
                if request.transport is not None:
                    request.transport.abort()
        return response

    async def _pages(
        self, request: web.BaseRequest, context: Context, sought: Filter
    ) -> AsyncGenerator[list[RequestLog]]:
        doorman = Doorman(self.services, self.edge)
        async with contextlib.aclosing(search.export(self.services.logs, sought, page=PAGE)) as pages:
            async for logs in pages:
                yield logs
                if not _is_same(await doorman.viewer(request), context.viewer):
                    raise SignInFirst

    @contextlib.contextmanager
    def _place(self, context: Context) -> Generator[None]:
        user_id = context.signed_in.user.id
        if self.running[user_id] >= MOST_OF_ONE or self.running.total() >= MOST:
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, "too_many_exports", "Wait until another export has ended.")
        self.running[user_id] += 1
        try:
            yield
        finally:
            self.running[user_id] -= 1
            if not self.running[user_id]:
                del self.running[user_id]


def _is_same(now: Viewer | None, before: Viewer | None) -> bool:
    if now is None or before is None:
        return False
    return now.user.id == before.user.id and now.permissions >= before.permissions


def _refusal(error: Exception, headers: Mapping[str, str]) -> web.Response:
    status, code, message = _told(error)
    parameters: object = (error.extensions or {}).get("parameters") if isinstance(error, Refusal) else None
    extensions = {"code": code, **({"parameters": parameters} if parameters else {})}
    body = {"errors": [{"message": message, "extensions": extensions}]}
    allow = {"Allow": "GET"} if status == HTTPStatus.METHOD_NOT_ALLOWED else {}
    return web.Response(
        status=status,
        body=msgspec.json.encode(body),
        headers={**headers, **allow},
        content_type="application/json",
        charset="utf-8",
    )


def _told(error: Exception) -> tuple[int, str, str]:
    if isinstance(error, Refused | GatewayError):
        return int(error.status), error.code, error.message
    if isinstance(error, SignInFirst):
        return HTTPStatus.UNAUTHORIZED, error.code, error.message
    if isinstance(error, Forbidden):
        return HTTPStatus.FORBIDDEN, error.code, error.message
    if isinstance(error, Refusal):
        return HTTPStatus.BAD_REQUEST, str((error.extensions or {})["code"]), error.message
    assert isinstance(error, Problem), "nothing else is caught"  # noqa: S101
    return HTTPStatus.BAD_REQUEST, error.code, error.message
