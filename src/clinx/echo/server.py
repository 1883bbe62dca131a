"""The echo server: an application of its own, on a loopback socket of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeVar

from aiohttp import web

from clinx.counting.encoding import encoding_for
from clinx.counting.tokens import count_tokens
from clinx.echo.ask import BadAsk, ChatAsk, CompletionAsk, EmbeddingAsk, TextAsk, read, texts
from clinx.echo.compose import Reply, answer_tokens, prompt_tokens, replies
from clinx.echo.script import BROKEN_OFF, Ending, Refusal, Script, script_for
from clinx.echo.vectors import as_base64, unit_vector
from clinx.echo.wire import DONE, Json, Shape, Usage, error, event

_LARGEST_BODY: Final = 64 << 20
_LARGE: Final = 50_000
"""Bytes of a body whose tokens are counted in a thread, so that the gateway around us keeps moving."""

_PAGE: Final = "<!doctype html><title>Welcome</title><p>This is a web page and not an answer."

T = TypeVar("T")

Sleep = Callable[[float], Awaitable[object]]


def now() -> datetime:
    """Return this instant, in UTC."""
    return datetime.now(UTC)


class EchoServer:
    """A running echo server."""

    def __init__(self, *, clock: Callable[[], datetime], sleep: Sleep) -> None:
        """Prepare; `start` makes one that listens."""
        self.url = ""
        self._clock = clock
        self._sleep = sleep
        self._closing = asyncio.Event()
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.router.add_post("/v1/chat/completions", partial(self._text, kind=ChatAsk))
        app.router.add_post("/v1/completions", partial(self._text, kind=CompletionAsk))
        app.router.add_post("/v1/embeddings", self._embed)
        app.router.add_route("*", "/{path:.*}", _unknown)
        # Handlers end when the caller leaves: one that never answers would outlive everybody otherwise.
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)

    @classmethod
    async def start(cls, *, clock: Callable[[], datetime] = now, sleep: Sleep = asyncio.sleep) -> EchoServer:
        """Listen on a free port of 127.0.0.1; ``url`` says which."""
        server = cls(clock=clock, sleep=sleep)
        await server._runner.setup()
        site = web.TCPSite(server._runner, "127.0.0.1", 0)
        await site.start()
        host, port = server._runner.addresses[0][:2]
        server.url = f"http://{host}:{port}"
        return server

    async def close(self) -> None:
        """Stop listening and let go of every caller."""
        self._closing.set()
        await self._runner.cleanup()

    async def _text(self, request: web.Request, *, kind: type[TextAsk]) -> web.StreamResponse:
        body = await request.read()
        try:
            ask = read(body, kind)
            script = script_for(ask.model)
            if (early := await self._early(request, script, streams=ask.stream)) is not None:
                return early
            shape, answers = await _off_loop(len(body), partial(self._answer, ask, body, script))
        except BadAsk as bad:
            return _refuse(_bad(bad))
        if ask.stream:
            return await self._stream(request, script, shape, answers)
        await self._wait(script.first_delay)
        return web.json_response(shape.whole(answers) if script.ending is Ending.GOOD else error(BROKEN_OFF))

    async def _embed(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        try:
            ask = read(body, EmbeddingAsk)
            script = script_for(ask.model)
            if (early := await self._early(request, script, streams=False)) is not None:
                return early
            answer = await _off_loop(len(body), partial(_embeddings, ask, script))
        except BadAsk as bad:
            return _refuse(_bad(bad))
        await self._wait(script.first_delay)
        return web.json_response(answer if script.ending is Ending.GOOD else error(BROKEN_OFF))

    async def _early(self, request: web.Request, script: Script, *, streams: bool) -> web.StreamResponse | None:
        """Return what needs no answer to be composed."""
        if script.refusal is not None:
            return _refuse(script.refusal)
        if script.ending is Ending.PAGE:
            return web.Response(text=_PAGE, content_type="text/html")
        if script.ending is Ending.NEVER:
            await self._closing.wait()
        elif script.ending is not Ending.DROPPED or streams:
            return None
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    def _answer(self, ask: TextAsk, body: bytes, script: Script) -> tuple[Shape, list[Reply]]:
        count = partial(count_tokens, encoding=encoding_for(ask.model, None))
        answers = replies(ask, count)
        usage = Usage(prompt_tokens(ask, count), answer_tokens(answers, count)) if script.reports_usage else None
        return Shape.of(ask, body, int(self._clock().timestamp()), usage), answers

    async def _stream(
        self, request: web.Request, script: Script, shape: Shape, answers: list[Reply]
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)
        await self._wait(script.first_delay)
        events = list(shape.events(answers))
        told = events if script.ending is Ending.GOOD else events[: len(events) // 2]
        for each in told:
            await response.write(each)
            await self._wait(script.pace)
        if script.ending is Ending.DROPPED:
            if request.transport is not None:
                request.transport.close()
            return response
        await response.write(DONE if script.ending is Ending.GOOD else event(error(BROKEN_OFF)))
        await response.write_eof()
        return response

    async def _wait(self, seconds: float) -> None:
        if seconds:
            await self._sleep(seconds)


def _embeddings(ask: EmbeddingAsk, script: Script) -> Json:
    inputs = texts(ask.input)
    vectors = [unit_vector(text, ask.dimensions) for text in inputs]
    found: list[Json] = [
        {"object": "embedding", "index": index, "embedding": _written(vector, ask.encoding_format)}
        for index, vector in enumerate(vectors)
    ]
    answer: Json = {"object": "list", "data": found, "model": ask.model}
    if script.reports_usage:
        encoding = encoding_for(ask.model, None)
        tokens = sum(count_tokens(text, encoding) for text in inputs)
        answer["usage"] = {"prompt_tokens": tokens, "total_tokens": tokens}
    return answer


def _written(vector: list[float], encoding_format: str) -> object:
    return as_base64(vector) if encoding_format == "base64" else vector


async def _off_loop(size: int, work: Callable[[], T]) -> T:
    """Do the work here when it is small, else in a thread."""
    return await asyncio.to_thread(work) if size > _LARGE else work()


async def _unknown(request: web.Request) -> web.Response:
    return _refuse(Refusal(404, "invalid_request_error", None, f"Invalid URL ({request.method} {request.path})"))


def _bad(bad: BadAsk) -> Refusal:
    return Refusal(400, "invalid_request_error", None, str(bad))


def _refuse(refusal: Refusal) -> web.Response:
    return web.json_response(error(refusal), status=refusal.status, headers=refusal.headers)
