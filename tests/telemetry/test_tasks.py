import asyncio
import contextvars
import logging

import pytest

from clinx.telemetry.tasks import Supervisor

COLOUR: contextvars.ContextVar[str] = contextvars.ContextVar("colour", default="clean")


async def test_a_failing_task_is_logged_and_does_not_end_the_others(caplog: pytest.LogCaptureFixture) -> None:
    supervisor, go = Supervisor(), asyncio.Event()

    async def fails() -> None:
        raise ValueError("broken")

    async def lives() -> str:
        await go.wait()
        return "alive"

    other = supervisor.start(lives(), name="other")
    failing = supervisor.start(fails(), name="failing")
    with caplog.at_level(logging.ERROR, "clinx.tasks"):
        await asyncio.wait({failing})
        go.set()
        assert await other == "alive"

    assert [(record.message, vars(record)["task"]) for record in caplog.records] == [("task.failed", "failing")]


async def test_a_task_starts_in_the_context_the_supervisor_was_born_in() -> None:
    supervisor = Supervisor()

    async def colour() -> str:
        return COLOUR.get()

    COLOUR.set("inside a transaction")

    assert await supervisor.start(colour(), name="colour") == "clean"


async def test_closing_cancels_what_does_not_finish_in_time() -> None:
    supervisor = Supervisor()
    task = supervisor.start(asyncio.Event().wait(), name="for ever")

    await supervisor.close(grace=0.01)

    assert task.cancelled()


async def test_an_endless_task_is_not_waited_for() -> None:
    supervisor = Supervisor()
    endless = supervisor.start(asyncio.Event().wait(), name="watch", endless=True)

    await supervisor.close(grace=3600)

    assert endless.cancelled()
