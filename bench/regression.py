"""Whether a request costs more than it did: ``python -m bench.regression``; exits 1 when it does.

A whole gateway, its upstream and its caller run in this process, so that its CPU time is all there is to measure. What
a request takes is divided by what a turn of the `bench.calibration` takes, measured in turn with it: a slower machine,
or a busy one, is slower at both. The quotient is compared with the one in ``regression.json``, generously: this finds
what got half as dear again, not what got a tenth dearer; `python -m bench` is for that.

    python -m bench.regression                    about ten seconds
    python -m bench.regression --write            keep what was measured: after a change that is meant to cost
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import uvloop

from bench.calibration import calibrate
from bench.measure import request_file
from bench.stub import Stub
from clinx.accounts import tokens, users
from clinx.app import Gateway, start_gateway
from clinx.billing import topup
from clinx.billing.topup import Cause
from clinx.domain.money import Amount
from clinx.settings import Settings

_MEMORY = Path("/dev/shm")  # noqa: S108  (a folder of our own is made there)
"""A file system in memory, where there is one."""
STORED = Path(__file__).with_name("regression.json")
TOLERANCE = 1.6
"""How many times the stored ratio is still no regression."""
ROUNDS = 30
REQUESTS = 100
"""Of a round."""
TURNS = 100
"""Of the calibration, in a round: they take about as long as its requests."""
WARM_UP = 5
"""Rounds that are not looked at."""
CONNECTIONS = 10
TRIES = 3
"""How often is measured before it is believed that something is wrong."""
_TREE = """\
version: 1
models:
  bench: {{price: {{input: "2.50", output: "10.00", per: 1M}}, max_output: 1000}}
channels:
  - name: stub
    provider: openai-compatible
    base_url: http://127.0.0.1:{port}
    credentials: ["${{file:{key}}}"]
    models: [bench]
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one round, in microseconds of CPU."""

    request: float
    turn: float
    """Of the calibration."""

    @property
    def ratio(self) -> float:
        """How many turns a request costs."""
        return self.request / self.turn


class Caller(asyncio.Protocol):
    """One connection that sends the same request again when it was answered, as often as it is told to."""

    def __init__(self, request: bytes, calls: int) -> None:
        self._request, self._left, self._buffer = request, calls, bytearray()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or len(self._buffer) < end + 4 + _length(self._buffer[:end]):
            return
        if not self._buffer.startswith(b"HTTP/1.1 200 "):
            self._finish(RuntimeError(f"a request was not answered: {bytes(self._buffer[:500])!r}"))
            return
        self._buffer.clear()
        self._left -= 1
        if self._left:
            self._transport.write(self._request)
        else:
            self._finish(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(exc or RuntimeError("the gateway closed the connection"))

    def _finish(self, error: Exception | None) -> None:
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)
        self._transport.close()


def _length(head: bytearray) -> int:
    [value] = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(value)


@asynccontextmanager
async def serving(folder: Path) -> AsyncGenerator[tuple[Gateway, bytes]]:
    """Start an upstream and a gateway with one caller who has credit; give its request as bytes."""
    upstream = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", 0)
    port = upstream.sockets[0].getsockname()[1]
    key = folder / "key"
    key.write_text("upstream-key", encoding="utf-8")
    (folder / "gateway.yaml").write_text(_TREE.format(port=port, key=key), encoding="utf-8")
    # What a busy disk takes of the processor is the disk's, and no regression of ours.
    settings = Settings(root=folder, state_dir=folder / "state", port=0, console=False, watch=False, journal_sync="off")
    gateway = await start_gateway(settings)
    try:
        headers = {"Authorization": f"Bearer {await _key(gateway)}"}
        path = request_file(headers, folder / "request", stream=False)
        yield gateway, path.read_bytes()
    finally:
        await gateway.stop(1)
        upstream.close()


async def _key(gateway: Gateway) -> str:
    at = datetime.now(UTC)
    user = await users.create(gateway.database, "bench", at=at)
    await topup.grant(gateway.database, user, Amount.parse("1000000"), Cause("bench", "bench", "bench"), at=at)
    return (await tokens.issue(gateway.database, user, "bench", at=at)).secret


async def drive(gateway: Gateway, request: bytes, calls: int) -> float:
    """Make calls over all connections; return the CPU microseconds of each, with what is done behind it."""
    loop, (host, port) = asyncio.get_running_loop(), gateway.url.removeprefix("http://").split(":")
    began = time.process_time()
    share = calls // CONNECTIONS
    made = [await loop.create_connection(lambda: Caller(request, share), host, int(port)) for _ in range(CONNECTIONS)]
    await asyncio.gather(*(caller.done for _, caller in made))
    await gateway.treasury.cashier.flush()
    return (time.process_time() - began) / (share * CONNECTIONS) * 1e6


async def measure(folder: Path, rounds: int) -> list[Cost]:
    """Measure round after round, the calibration and the gateway in turn."""
    found: list[Cost] = []
    async with serving(folder) as (gateway, request):
        gc.collect()
        gc.freeze()
        for _ in range(WARM_UP + rounds):
            turn = await calibrate(TURNS)
            found.append(Cost(await drive(gateway, request, REQUESTS), turn))
    return found[WARM_UP:]


def typical(costs: list[Cost]) -> float:
    """Return the ratio that a quarter of the rounds stay below: what else runs makes rounds dearer, never cheaper."""
    return statistics.quantiles((cost.ratio for cost in costs), n=4)[0]


def main() -> int:
    """Measure, print and compare."""
    parser = argparse.ArgumentParser(prog="python -m bench.regression", description=__doc__)
    parser.add_argument("--stored", type=Path, default=STORED, metavar="FILE", help="what to compare with")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how many, of a hundred requests each")
    parser.add_argument("--write", action="store_true", help="keep what was measured instead")
    options = parser.parse_args()
    if options.write:
        options.stored.write_text(json.dumps({"ratio": round(_measured(options.rounds), 2)}) + "\n", encoding="utf-8")
        return 0
    stored: float = json.loads(options.stored.read_text(encoding="utf-8"))["ratio"]
    most = stored * TOLERANCE
    for _ in range(TRIES):
        if _measured(options.rounds) <= most:
            print(f"that is no regression: {stored:.2f} is stored, and {most:.2f} is allowed")
            return 0
    print(f"that is a regression: {stored:.2f} is stored, and {most:.2f} is allowed", file=sys.stderr)
    return 1


def _measured(rounds: int) -> float:
    with tempfile.TemporaryDirectory(prefix="clinx-bench-", dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        costs = uvloop.run(measure(Path(folder), rounds))
    ratio = typical(costs)
    request, turn = min(cost.request for cost in costs), min(cost.turn for cost in costs)
    print(f"a request costs {ratio:.2f} turns; at best {request:.0f} us, and a turn {turn:.0f} us", flush=True)
    return ratio


if __name__ == "__main__":
    sys.exit(main())
