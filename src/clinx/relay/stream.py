"""The body of a streamed answer: forwarded as it comes, metered as it passes, settled before its end is shown.

The end marker is held back until the settlement is committed, so a caller who saw ``[DONE]`` has been charged and
one who has been charged for a whole answer can see it. An answer that comes to cost more than can be held for it is cut
off there. Whatever else happens (the upstream breaks off, the caller
leaves, the process goes away) the metered part is settled, once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from clinx.dialects.base import StreamTap
from clinx.errors import ClientGone, GatewayError, InternalError, UpstreamBroken
from clinx.relay.allowance import Allowance
from clinx.relay.draw import Chosen
from clinx.relay.exchange import Exchange
from clinx.relay.finish import Finisher
from clinx.relay.meter import COUNT_EVERY, Meter
from clinx.relay.translating_tap import TranslatingTap
from clinx.upstream.failures import inside
from clinx.upstream.send import UpstreamResponse

REST = 1.0
"""Seconds an upstream gets to close its body after the end marker, so that the connection can be kept."""

MOST_BYTES = 256 << 20
"""Of one streamed answer."""


@dataclass(slots=True)
class StreamedAnswer:
    """One stream between its first content and its end."""

    exchange: Exchange
    response: UpstreamResponse
    chunks: AsyncGenerator[bytes, None]
    tap: StreamTap
    meter: Meter
    allowance: Allowance
    finisher: Finisher
    chosen: Chosen
    received: int = 0
    """Bytes of the upstream's body so far."""

    async def run(self, head: bytes) -> AsyncGenerator[bytes, None]:
        """Yield what the caller gets. Closing the generator early settles what was metered."""
        error: GatewayError | None = None
        # What it is if nothing below says otherwise: only a defect of ours gets past all of it.
        interrupted: GatewayError = InternalError("The gateway failed to handle this request.")
        self.exchange.answered = self.tap.answered
        try:
            yield head
            try:
                async for piece in self._middle():
                    yield piece
            except GatewayError as failure:
                error = failure
                await self._let_go()  # What comes meanwhile would be made, and billed, for nobody.
            error = error or self._verdict()
            await self._settle(error)
            self.chosen.over(error, self.exchange.usage)
            if error is None:
                yield self._end()
                await self._drain()
            elif not isinstance(error, ClientGone):
                yield self.exchange.dialect.render_stream_error(error, self.exchange.id)
        except (GeneratorExit, asyncio.CancelledError):
            interrupted = self.exchange.stopped or ClientGone("The caller hung up.")
            raise
        finally:
            await self._close(interrupted)

    async def _middle(self) -> AsyncGenerator[bytes, None]:
        tap, exchange = self.tap, self.exchange
        while not (tap.finished and tap.tail) and tap.problem is None:
            try:
                data = await exchange.upstream(anext(self.chunks))
            except StopAsyncIteration:
                if rest := tap.close():
                    yield rest
                return
            piece = self._feed(data)
            if tap.text_size > COUNT_EVERY:
                await self.meter.add(tap.take_text())
            if piece:
                yield piece
            if self.allowance.is_due:
                await self.allowance.look()

    def _feed(self, data: bytes) -> bytes:
        self.received += len(data)
        if self.received > MOST_BYTES:
            raise UpstreamBroken("The upstream's answer does not end.")
        piece = self.tap.feed(data)
        self.exchange.answered = self.tap.answered
        return piece

    def _verdict(self) -> GatewayError | None:
        if self.tap.problem is not None:
            return inside(self.response, self.tap.problem, self.chosen.candidate.channel).error
        if not self.tap.finished:
            return UpstreamBroken("The upstream's answer broke off before its end.")
        return None

    async def _settle(self, error: GatewayError | None) -> None:
        self.exchange.stored_id, self.exchange.stored_items = self.tap.stored_id, self.tap.stored_items
        usage = await self.meter.total(self.tap.usage, self.tap.take_text(), whole=error is None)
        await self.finisher.settle(self.exchange, usage, error)

    def _end(self) -> bytes:
        """Return the end that the caller sees: a translated one says what was charged."""
        return self.tap.end(self.exchange.usage) if isinstance(self.tap, TranslatingTap) else self.tap.tail

    async def _drain(self) -> None:
        """Read what comes after the end marker, so that the connection goes back to the pool."""
        try:
            async with asyncio.timeout(REST):
                async for _ in self.chunks:
                    pass
        except (TimeoutError, GatewayError):
            return

    async def _close(self, interrupted: GatewayError) -> None:
        if not self.exchange.finished:
            await self._settle(interrupted)
        self.chosen.over(interrupted, self.exchange.usage)
        await self._let_go()

    async def _let_go(self) -> None:
        await self.chunks.aclose()
        await self.response.close()
