"""A process that appends until it is killed, and says of each record when it may no longer be lost.

python endless_writer.py FOLDER EPOCH
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

from billing.journal.samples import held, open_journal, progress, settle
from clinx.billing.journal.records import Held
from clinx.domain.ledger import Origin
from clinx.telemetry.tasks import Supervisor


def acknowledge(what: str, id_: str) -> None:
    sys.stdout.write(f"{what} {id_}\n")
    sys.stdout.flush()


async def write(folder: Path, epoch: int) -> None:
    holds: dict[str, Held] = {}
    origin = Origin("node_1", epoch)
    journal = open_journal(folder, Supervisor(), origin=origin, carry=holds.values, segment_size=20_000)
    for number in itertools.count():
        id_ = f"{epoch}-{number}"
        journal.append(held(id_))
        holds[id_] = held(id_)
        acknowledge("held", id_)
        journal.append(progress(id_, number))
        if number % 10:
            journal.append(settle(id_, number))
            del holds[id_]
            acknowledge("settled", id_)


asyncio.run(write(Path(sys.argv[1]), int(sys.argv[2])))
