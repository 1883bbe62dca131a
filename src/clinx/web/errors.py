"""Any failure to an answer in the caller's dialect."""

from __future__ import annotations

from clinx.dialects.base import Dialect
from clinx.errors import GatewayError, RateLimited
from clinx.relay.exchange import Answer, Exchange
from clinx.relay.finish import Finisher
from clinx.relay.pipeline import Relay


def rendered(dialect: Dialect, error: GatewayError, request_id: str) -> Answer:
    """Render an error as a whole answer."""
    shown = dialect.render_error(error, request_id)
    headers = {**shown.headers, **error.headers} if isinstance(error, RateLimited) else shown.headers
    return Answer(shown.status, headers, shown.body)


async def answer_or_error(exchange: Exchange, relay: Relay, finisher: Finisher) -> Answer:
    """Run an exchange; whatever it raises becomes an answer, and is recorded. Cancellation passes through."""
    try:
        answer = await relay.run(exchange)
    except GatewayError as error:
        await finisher.fail(exchange, error)
        return rendered(exchange.dialect, error, exchange.id)
    except Exception as defect:  # noqa: BLE001  (the last resort: a defect must become an answer, not a dropped connection)
        return rendered(exchange.dialect, await finisher.unforeseen(exchange, defect), exchange.id)
    if answer.stream is None:
        finisher.note(exchange)
    return answer
