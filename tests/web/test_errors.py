import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from clinx.dialects.registry import DIALECTS
from clinx.domain.catalog import Endpoint
from clinx.domain.operation import Operation
from clinx.errors import GatewayError, InvalidRequest
from clinx.relay.exchange import Answer, Exchange
from clinx.relay.finish import Finisher
from clinx.relay.pipeline import Relay
from clinx.telemetry.metrics import Metrics
from clinx.web.errors import answer_or_error, rendered
from dialects.error_tree import codes, example
from support.tree import SMALL, compile_files

CHAT = DIALECTS["openai_chat"]
EVERY = pytest.mark.parametrize("kind", codes().values(), ids=lambda kind: kind.code)


class Road:
    """A relay that does what the test says."""

    def __init__(self, run: Callable[[Exchange], Answer]) -> None:
        self._run = run

    async def run(self, exchange: Exchange) -> Answer:
        return self._run(exchange)


def road(run: Callable[[Exchange], Answer]) -> Relay:
    return cast("Relay", Road(run))


def failing(error: BaseException) -> Relay:
    def run(_: Exchange) -> Answer:
        raise error

    return road(run)


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    snapshot = compile_files(tmp_path, {"gateway.yaml": SMALL}).snapshot
    endpoint = Endpoint("POST", "/v1/chat/completions", CHAT.name, Operation.CHAT)
    unused = cast("Any", None)
    return Exchange("req_1", datetime(2026, 1, 1, tzinfo=UTC), 0.0, snapshot, CHAT, endpoint, None, None, unused)


@pytest.fixture
def finisher() -> Finisher:
    """Nobody was authenticated in these exchanges, so there is nothing for a cashier to do."""
    return Finisher(cast("Any", None), Metrics(), lambda: 1.5)


def counted(finisher: Finisher) -> dict[str, float]:
    """The exchanges the metrics know of, by outcome."""
    samples = [sample for metric in finisher.metrics.registry.collect() for sample in metric.samples]
    return {each.labels["outcome"]: each.value for each in samples if each.name == "clinx_exchanges_total"}


@EVERY
@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.name)
def test_an_error_is_written_the_way_the_dialect_writes_it(kind: type[GatewayError], dialect: Any) -> None:
    error = example(kind)

    written = dialect.render_error(error, "req_1")

    assert rendered(dialect, error, "req_1") == Answer(written.status, written.headers, written.body)


@EVERY
async def test_a_failure_is_answered_and_recorded_once(
    exchange: Exchange, finisher: Finisher, kind: type[GatewayError]
) -> None:
    error = example(kind)

    answer = await answer_or_error(exchange, failing(error), finisher)

    assert answer == rendered(CHAT, error, "req_1")
    assert (exchange.finished, exchange.error, exchange.status) == (True, error, error.http_status)
    assert counted(finisher) == {kind.code: 1.0}


async def test_a_defect_is_answered_without_its_details_and_logged_with_them(
    exchange: Exchange, finisher: Finisher, caplog: pytest.LogCaptureFixture
) -> None:
    defect = ZeroDivisionError("secret detail")

    with caplog.at_level(logging.ERROR, "clinx.relay"):
        answer = await answer_or_error(exchange, failing(defect), finisher)

    [record] = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert (record.message, record.__dict__["id"]) == ("exchange.defect", "req_1")
    assert record.exc_info is not None
    assert record.exc_info[1] is defect
    assert answer.status == 500
    assert b"req_1" in answer.body
    assert b"secret detail" not in answer.body
    assert counted(finisher) == {"internal": 1.0}


@pytest.mark.parametrize("cause", [asyncio.CancelledError, KeyboardInterrupt, SystemExit])
async def test_what_is_no_failure_of_the_exchange_passes_through(
    exchange: Exchange, finisher: Finisher, cause: type[BaseException]
) -> None:
    with pytest.raises(cause):
        await answer_or_error(exchange, failing(cause()), finisher)

    assert not exchange.finished
    assert counted(finisher) == {}


async def test_an_exchange_that_was_finished_already_is_not_recorded_again(
    exchange: Exchange, finisher: Finisher
) -> None:
    exchange.finished = True

    answer = await answer_or_error(exchange, failing(InvalidRequest("no")), finisher)

    assert answer.status == 400
    assert counted(finisher) == {}


async def test_a_whole_answer_is_handed_on_and_noted(exchange: Exchange, finisher: Finisher) -> None:
    whole = Answer(200, {"Content-Type": "application/json"}, b"{}")

    assert await answer_or_error(exchange, road(lambda _: whole), finisher) is whole
    assert exchange.finished
    assert counted(finisher) == {"ok": 1.0}


async def test_a_stream_is_handed_on_and_settles_itself(exchange: Exchange, finisher: Finisher) -> None:
    async def pieces():
        yield b"data: [DONE]\n\n"

    stream = Answer(200, {}, stream=pieces())

    assert await answer_or_error(exchange, road(lambda _: stream), finisher) is stream
    assert not exchange.finished
    assert counted(finisher) == {}
