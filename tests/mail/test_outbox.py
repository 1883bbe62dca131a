import asyncio

from clinx.mail.outbox import Outbox
from clinx.telemetry.tasks import Supervisor


async def test_what_is_put_in_is_delivered_in_order():
    delivered: list[int] = []

    async def deliver(thing: int) -> None:
        delivered.append(thing)

    outbox = Outbox[int](deliver, most=3)
    assert [outbox.put(each) for each in range(4)] == [True, True, True, False]
    assert outbox.room == 0
    supervisor = Supervisor()
    supervisor.start(outbox.run(), name="outbox", endless=True)
    await outbox.drain(5)
    await supervisor.close()

    assert delivered == [0, 1, 2]
    assert outbox.room == 3


async def test_draining_waits_only_so_long():
    begun = asyncio.Event()

    async def deliver(_: int) -> None:
        begun.set()
        await asyncio.Event().wait()

    outbox = Outbox[int](deliver, most=1)
    outbox.put(1)
    supervisor = Supervisor()
    supervisor.start(outbox.run(), name="outbox", endless=True)
    await begun.wait()
    await outbox.drain(0.01)
    await supervisor.close()

    assert outbox.room == 1


async def test_an_empty_one_is_drained_at_once():
    async def deliver(_: int) -> None:
        raise AssertionError

    await Outbox[int](deliver, most=1).drain(5)
