import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from clinx.billing.journal import durability as module
from clinx.billing.journal.durability import Durability, Sync
from clinx.billing.journal.failures import JournalFailed
from clinx.billing.journal.files import BEGINNING, Header
from clinx.billing.journal.segment import Segment
from clinx.telemetry.tasks import Supervisor

HEADER = Header("node_1", 1)


class Watched(Segment):
    """A segment that says what was on disk, and can be told to fail."""

    synced = 0
    syncs = 0
    failure: OSError | None = None
    closed = False
    seen: Callable[[], None] = staticmethod(lambda: None)

    def sync(self) -> None:
        offset = self.offset
        self.seen()
        if self.failure is not None:
            raise self.failure
        super().sync()
        self.synced = offset
        self.syncs += 1

    def close(self) -> None:
        super().close()
        self.closed = True


class Writer:
    """What a journal does with it."""

    def __init__(self, folder: Path, supervisor: Supervisor, sync: Sync) -> None:
        self.folder = folder
        self.failures: list[OSError] = []
        self.segment = self.create(1)
        self.durability = Durability(folder, sync, lambda: self.segment)
        self.durability.start(supervisor, self.failures.append)

    def create(self, number: int) -> Watched:
        made = Watched.create(self.folder, number, HEADER)
        assert isinstance(made, Watched)
        return made

    def write(self) -> None:
        self.segment.write(b"0123456789")
        self.durability.mark()

    def rotate(self) -> Watched:
        old, self.segment = self.segment, self.create(self.segment.number + 1)
        self.durability.retire(old)
        return old


async def test_reaching_a_position_waits_for_a_sync_that_began_after_it(tmp_path: Path, supervisor: Supervisor):
    writer = Writer(tmp_path, supervisor, Sync.EACH)
    for _ in range(5):
        writer.write()
        await writer.durability.reach(writer.segment.position)

        assert writer.segment.synced == writer.segment.offset
        assert writer.durability.synced == writer.segment.position
    assert writer.segment.syncs == 5
    await writer.durability.close()


async def test_one_sync_serves_all_who_wait(tmp_path: Path, supervisor: Supervisor):
    writer = Writer(tmp_path, supervisor, Sync.EACH)
    waiting: list[asyncio.Task[None]] = []
    for number in range(100):
        writer.write()
        reaching = writer.durability.reach(writer.segment.position)
        waiting.append(supervisor.start(reaching, name=f"caller {number}"))

    await asyncio.gather(*waiting)

    assert writer.segment.syncs == 1
    await writer.durability.close()


async def test_what_stood_behind_a_sync_that_failed_is_never_called_durable(tmp_path: Path, supervisor: Supervisor):
    writer = Writer(tmp_path, supervisor, Sync.EACH)
    writer.write()
    await writer.durability.reach(writer.segment.position)
    safe, broken, loop = writer.segment.position, writer.segment, asyncio.get_running_loop()
    behind: list[asyncio.Task[None]] = []

    async def come() -> None:
        writer.write()
        behind.append(supervisor.start(writer.durability.reach(writer.segment.position), name="behind"))
        await asyncio.sleep(0)

    def during() -> None:
        broken.seen = lambda: None
        asyncio.run_coroutine_threadsafe(come(), loop).result()
        broken.failure = OSError(5, "Input/output error")

    broken.seen = during
    writer.write()
    failed = writer.segment.position
    with pytest.raises(JournalFailed):
        await writer.durability.reach(failed)
    with pytest.raises(JournalFailed):
        await behind[0]

    # The kernel has told of it, and takes the pages for clean: the next sync of the file succeeds.
    broken.failure = None
    writer.rotate()
    writer.write()
    await writer.durability.reach(writer.segment.position)
    await writer.durability.reach(safe)
    for lost in (failed, broken.position):
        with pytest.raises(JournalFailed):
            await writer.durability.reach(lost)
    await writer.durability.close()


async def test_who_comes_during_a_sync_waits_for_the_next(tmp_path: Path, supervisor: Supervisor):
    writer = Writer(tmp_path, supervisor, Sync.EACH)
    loop, late = asyncio.get_running_loop(), list[asyncio.Future[None]]()
    come = asyncio.Event()

    def arrive() -> None:
        writer.write()
        reaching = writer.durability.reach(writer.segment.position)
        late.append(supervisor.start(reaching, name="late"))
        come.set()

    async def arrived() -> None:
        arrive()

    def during() -> None:
        writer.segment.seen = lambda: None
        asyncio.run_coroutine_threadsafe(arrived(), loop).result()

    writer.segment.seen = during
    writer.write()
    early = writer.segment.position
    await writer.durability.reach(early)

    await come.wait()
    assert writer.durability.synced == early
    assert not late[0].done()
    await late[0]
    assert (writer.durability.synced, writer.segment.syncs) == (writer.segment.position, 2)
    await writer.durability.close()


async def test_a_segment_is_on_disk_before_it_is_closed(tmp_path: Path, supervisor: Supervisor):
    writer = Writer(tmp_path, supervisor, Sync.EACH)
    writer.write()
    old = writer.rotate()
    assert not old.closed

    writer.write()
    await writer.durability.reach(writer.segment.position)

    assert (old.synced, old.closed) == (old.offset, True)
    assert writer.segment.synced == writer.segment.offset
    await writer.durability.close()


async def test_a_failed_sync_is_told_and_those_who_wait_are_refused(tmp_path: Path, supervisor: Supervisor):
    writer = Writer(tmp_path, supervisor, Sync.EACH)
    failure = writer.segment.failure = OSError(5, "Input/output error")
    writer.write()

    with pytest.raises(JournalFailed):
        await writer.durability.reach(writer.segment.position)

    assert (writer.failures, writer.durability.synced) == ([failure], BEGINNING)
    writer.segment.failure = None
    writer.rotate()
    writer.write()
    await writer.durability.reach(writer.segment.position)
    await writer.durability.close()


async def test_who_waits_when_the_process_must_go_is_refused(tmp_path: Path, supervisor: Supervisor):
    writer = Writer(tmp_path, supervisor, Sync.EACH)
    position = writer.segment.position
    waiting = supervisor.start(writer.durability.reach(position), name="caller")
    await asyncio.sleep(0)

    await writer.durability.close()

    assert isinstance((await asyncio.gather(waiting, return_exceptions=True))[0], JournalFailed)
    assert writer.durability.synced == position
    await writer.durability.reach(position)
    with pytest.raises(JournalFailed):
        await writer.durability.reach(position._replace(segment=2))


async def test_closing_syncs_what_was_written(tmp_path: Path, supervisor: Supervisor):
    writer = Writer(tmp_path, supervisor, Sync.GROUP)
    writer.write()
    old = writer.rotate()
    writer.write()

    await writer.durability.close()

    assert (old.synced, old.closed) == (old.offset, True)
    assert (writer.segment.synced, writer.segment.closed) == (writer.segment.offset, True)


async def test_closing_says_when_it_is_not_known_to_be_on_disk(tmp_path: Path, supervisor: Supervisor):
    writer = Writer(tmp_path, supervisor, Sync.GROUP)
    writer.segment.failure = OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        await writer.durability.close()

    assert writer.segment.closed


async def test_a_group_is_synced_once_after_its_pause(
    tmp_path: Path, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "GROUP_PAUSE", timedelta(milliseconds=1))
    writer = Writer(tmp_path, supervisor, Sync.GROUP)
    for _ in range(10):
        writer.write()

    await writer.durability.reach(writer.segment.position)

    assert (writer.segment.syncs, writer.durability.synced) == (1, writer.segment.position)
    await writer.durability.close()


async def test_when_off_nothing_is_synced_and_everything_counts(tmp_path: Path, supervisor: Supervisor):
    writer = Writer(tmp_path, supervisor, Sync.OFF)
    writer.write()
    old = writer.rotate()
    writer.write()

    assert (old.syncs, old.closed) == (0, True)
    assert writer.durability.synced == writer.segment.position
    await writer.durability.close()
    assert (writer.segment.syncs, writer.segment.closed) == (0, True)


async def test_slow_work_is_done_in_a_thread_and_its_failures_are_raised(tmp_path: Path, supervisor: Supervisor):
    writer = Writer(tmp_path, supervisor, Sync.OFF)

    assert await writer.durability.run(lambda: 42) == 42
    with pytest.raises(FileNotFoundError):
        await writer.durability.run((tmp_path / "none").stat)
    await writer.durability.close()
