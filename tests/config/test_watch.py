from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from clinx.config.current import Current, ReloadState, ResourceKey
from clinx.config.diagnostics import ConfigError
from clinx.config.look import Look
from clinx.config.snapshot import Snapshot
from clinx.config.tree import Tree, default_tree
from clinx.config.watch import Reloader, Sources, Watcher
from clinx.dialects.registry import DIALECTS
from clinx.domain.revision import Rejection
from clinx.telemetry.tasks import Supervisor
from support.git import git
from support.tree import AT, ENVIRON, SMALL, tree

BROKEN = "version: 1\nchannels: [{name: main, provider: ecko, models: [small]}]\n"
SECRET = SMALL.replace("provider: echo", 'provider: vllm, base_url: "http://x", credentials: ["${file:key}"]')


def priced(amount: str) -> str:
    return SMALL.replace('input: "1"', f'input: "{amount}"')


@dataclass
class Rig:
    root: Path
    current: Current
    reloader: Reloader
    watcher: Watcher
    states: list[ReloadState] = field(default_factory=list)

    @property
    def price(self) -> str:
        return price_of(self.current)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110  (the condition is what a caller would see)
                await asyncio.sleep(0.01)

    async def serves(self, amount: str) -> None:
        await self.until(lambda: self.price == amount)

    async def refuses(self) -> ReloadState:
        await self.until(lambda: not self.current.state.ok)
        return self.current.state


def sources(root: Path, state_dir: Path) -> Sources:
    return Sources(root, default_tree(), state_dir, ENVIRON, ("UPSTREAM_",), DIALECTS, lambda: AT)


@asynccontextmanager
async def watching(root: Path, tmp_path: Path, *, poll_seconds: float = 0.2) -> AsyncGenerator[Rig]:
    supervisor = Supervisor()
    current = Current(supervisor)
    states: list[ReloadState] = []
    reloader = Reloader(sources(root, tmp_path / "state"), current, on_outcome=states.append)
    watcher = Watcher(reloader, supervisor, poll_seconds=poll_seconds)
    await reloader.load_first(last_good=False)
    task = supervisor.start(watcher.run(), name="watch")
    try:
        yield Rig(root, current, reloader, watcher, states)
    finally:
        task.cancel()
        await asyncio.wait({task})
        current.close()
        await supervisor.close()


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    root = tree(tmp_path / "tree", {"gateway.yaml": SMALL})
    async with watching(root, tmp_path) as running:
        yield running


async def test_a_plain_write_is_followed(rig: Rig) -> None:
    (rig.root / "gateway.yaml").write_text(priced("7"))

    await rig.serves("7")


async def test_an_edit_is_noticed_long_before_the_poll(tmp_path: Path) -> None:
    root = tree(tmp_path / "tree", {"gateway.yaml": SMALL})
    async with watching(root, tmp_path, poll_seconds=600) as rig:
        await rig.until(lambda: bool(rig.watcher._notifier._watched))
        for amount in ("7", "8"):
            # The watch is armed in another thread, some moments after it was asked for.
            while rig.price != amount:
                (rig.root / "gateway.yaml").write_text(priced(amount) + "\n" * (rig.price == "1"))
                await asyncio.sleep(0.2)


async def test_editors_that_save_by_renaming_are_followed_again_and_again(rig: Rig) -> None:
    for amount in ("2", "3", "4"):
        beside = rig.root / "gateway.yaml~"
        beside.write_text(priced(amount))
        beside.replace(rig.root / "gateway.yaml")

        await rig.serves(amount)


async def test_an_edit_of_the_same_length_at_the_same_time_is_followed(rig: Rig) -> None:
    path = rig.root / "gateway.yaml"
    before = path.stat()
    path.write_text(priced("9"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    await rig.serves("9")


async def test_touching_a_file_loads_nothing(rig: Rig) -> None:
    generation = rig.current.generation
    os.utime(rig.root / "gateway.yaml", (1, 1))
    await rig.reloader.reload()

    assert rig.current.generation is generation
    assert len(rig.states) == 1


async def test_a_broken_edit_keeps_the_old_tree_and_says_why(rig: Rig) -> None:
    generation = rig.current.generation
    (rig.root / "gateway.yaml").write_text(BROKEN)

    state = await rig.refuses()

    assert [str(each) for each in state.diagnostics] == [
        'gateway.yaml:2:35 E201 unknown provider "ecko" (did you mean "echo"?)',
        'gateway.yaml:2:50 E205 model "small" has no price (list it under "models"; price: free, if it costs nothing)',
    ]
    assert rig.current.generation is generation
    assert rig.price == "1"

    (rig.root / "gateway.yaml").write_text(priced("5"))
    await rig.serves("5")
    assert rig.current.state.ok


async def test_a_half_written_file_is_not_served(rig: Rig) -> None:
    text = priced("6")
    with (rig.root / "gateway.yaml").open("w") as stream:
        for start in range(0, len(text), 20):
            stream.write(text[start : start + 20])
            stream.flush()
            await asyncio.sleep(0.005)

    await rig.serves("6")
    assert [state.ok for state in rig.states] == [True, True]


async def test_a_git_checkout_is_followed_and_names_its_commit(tmp_path: Path) -> None:
    root = tree(tmp_path / "tree", {"gateway.yaml": SMALL})
    first = _commit(root, "one")
    (root / "gateway.yaml").write_text(priced("7"))
    second = _commit(root, "two")

    async with watching(root, tmp_path) as rig:
        assert rig.current.snapshot.revision.commit == second
        git(root, "checkout", "-q", first)
        await rig.serves("1")
        assert rig.current.snapshot.revision.commit == first


def _commit(root: Path, message: str) -> str:
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", message)
    return git(root, "rev-parse", "HEAD")


async def test_a_configmap_swap_is_followed(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    tree(root / "..2026_01", {"gateway.yaml": SMALL})
    (root / "..data").symlink_to("..2026_01")
    (root / "gateway.yaml").symlink_to("..data/gateway.yaml")

    async with watching(root, tmp_path) as rig:
        for number, amount in enumerate(("2", "3"), start=2):
            tree(root / f"..2026_0{number}", {"gateway.yaml": priced(amount)})
            (root / "..data_tmp").symlink_to(f"..2026_0{number}")
            (root / "..data_tmp").replace(root / "..data")
            shutil.rmtree(root / f"..2026_0{number - 1}")
            await rig.serves(amount)


async def test_a_folder_that_vanishes_keeps_the_old_tree_until_it_is_back(rig: Rig) -> None:
    away = rig.root.with_name("away")
    rig.root.rename(away)

    state = await rig.refuses()
    assert [str(each) for each in state.diagnostics] == [
        f"gateway.yaml:1:1 E110 folder {rig.root}: No such file or directory"
    ]
    assert rig.price == "1"

    rig.root.mkdir()
    await rig.until(lambda: "root document is gone" in str(rig.current.state.diagnostics))
    assert [each.code for each in rig.current.state.diagnostics] == ["E110"]
    assert rig.price == "1"

    tree(rig.root, {"gateway.yaml": priced("4")})
    await rig.serves("4")
    (rig.root / "gateway.yaml").write_text(priced("5"))
    await rig.serves("5")


async def test_a_new_provider_file_is_noticed(rig: Rig) -> None:
    (rig.root / "gateway.yaml").write_text(priced("3").replace("provider: echo", "provider: mine"))
    await rig.refuses()

    tree(rig.root, {"providers/mine.yaml": "provider: mine\nextends: echo\n"})

    await rig.serves("3")


async def test_a_rotated_secret_file_is_read_again(tmp_path: Path) -> None:
    root = tree(tmp_path / "tree", {"gateway.yaml": SECRET, "key": "first-secret\n"})
    async with watching(root, tmp_path) as rig:
        revision = rig.current.snapshot.revision.id
        assert _secret(rig) == "first-secret"

        (root / "key").write_text("second-secret\n")
        await rig.until(lambda: _secret(rig) == "second-secret")

        assert rig.current.snapshot.revision.id == revision


async def test_a_secret_that_was_missing_is_found_when_it_comes(rig: Rig) -> None:
    (rig.root / "gateway.yaml").write_text(SECRET)
    await rig.refuses()

    (rig.root / "key").write_text("late-secret")

    await rig.until(lambda: rig.current.state.ok)
    assert _secret(rig) == "late-secret"


def _secret(rig: Rig) -> str:
    return rig.current.snapshot.channels["main"].credentials[0].secret


async def test_waking_looks_at_once(tmp_path: Path) -> None:
    root = tree(tmp_path / "tree", {"gateway.yaml": SMALL})
    async with watching(root, tmp_path, poll_seconds=600) as rig:
        (root / "gateway.yaml").write_text(priced("8"))
        rig.watcher.wake()
        await rig.serves("8")


async def test_a_reload_on_demand_says_whether_the_tree_is_served(tmp_path: Path) -> None:
    root = tree(tmp_path / "tree", {"gateway.yaml": SMALL})
    current = Current(Supervisor())
    reloader = Reloader(sources(root, tmp_path / "state"), current)
    await reloader.load_first(last_good=False)

    (root / "gateway.yaml").write_text(priced("8"))
    assert await reloader.reload()
    assert [state_of(current), current.snapshot.revision.id] == [(True, ()), current.state.revision]

    (root / "gateway.yaml").write_text(BROKEN)
    assert not await reloader.reload()
    assert not await reloader.reload()


class Watched(Reloader):
    """A reloader whose first look after the start takes until it is let go."""

    def __init__(self, folder: Path, current: Current) -> None:
        super().__init__(sources(folder, folder.parent / "state"), current)
        self.has_looked, self.let_go = threading.Event(), threading.Event()

    def look(self) -> Look:
        look = super().look()
        if not self.has_looked.is_set():
            self.has_looked.set()
            assert self.let_go.wait(10)
        return look


async def test_a_slow_look_is_not_loaded_over_what_a_later_one_saw(tmp_path: Path) -> None:
    root, current = tree(tmp_path / "tree", {"gateway.yaml": SMALL}), Current(Supervisor())
    reloader = Watched(root, current)
    await reloader.load_first(last_good=False)
    (root / "gateway.yaml").write_text(priced("7"))

    slow = asyncio.get_running_loop().create_task(reloader.reload())
    assert await asyncio.to_thread(reloader.has_looked.wait, 10)
    (root / "gateway.yaml").write_text(priced("8"))
    later = asyncio.get_running_loop().create_task(reloader.reload())
    await asyncio.wait({later}, timeout=0.2)
    reloader.let_go.set()

    assert [await slow, await later] == [True, True]
    assert price_of(current) == "8"


async def test_what_was_seen_before_a_reload_is_not_loaded_after_it(tmp_path: Path) -> None:
    root, current = tree(tmp_path / "tree", {"gateway.yaml": SMALL}), Current(Supervisor())
    reloader = Reloader(sources(root, tmp_path / "state"), current)
    await reloader.load_first(last_good=False)
    (root / "gateway.yaml").write_text(priced("7"))
    before = reloader.look()
    (root / "gateway.yaml").write_text(priced("8"))
    await reloader.reload()
    generation = current.generation

    again = await reloader.load_settled(before)

    assert again != before
    assert again == reloader.seen
    assert current.generation is generation
    assert price_of(current) == "8"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("version: 1\n", ["E501", "W214"]),
        (SMALL.partition("channels:")[0], ["E501", "W214", "W205"]),
        ("currency: EUR\n" + SMALL, ["E502"]),
        ("version: 1\ncurrency: EUR\n", ["E501", "W214", "E502"]),
    ],
)
async def test_a_good_tree_that_must_not_follow_the_served_one_is_refused(
    tmp_path: Path, text: str, codes: list[str]
) -> None:
    root, current = tree(tmp_path / "tree", {"gateway.yaml": SMALL}), Current(Supervisor())
    reloader = Reloader(sources(root, tmp_path / "state"), current)
    generation = await reloader.load_first(last_good=False)

    (root / "gateway.yaml").write_text(text)
    assert not await reloader.reload()
    assert [each.code for each in current.state.diagnostics] == codes
    assert current.generation is generation
    assert reloader.seen is not None

    (root / "gateway.yaml").write_text(priced("8"))
    assert await reloader.reload()
    assert price_of(current) == "8"


@pytest.mark.parametrize("text", ["version: 1\n", "currency: EUR\n" + SMALL])
async def test_what_a_reload_refuses_a_start_may_serve(tmp_path: Path, text: str) -> None:
    root, current = tree(tmp_path / "tree", {"gateway.yaml": text}), Current(Supervisor())
    reloader = Reloader(sources(root, tmp_path / "state"), current)
    await reloader.load_first(last_good=False)
    assert current.state.ok

    (root / "gateway.yaml").write_text(text + "# the same\n")
    assert await reloader.reload()


async def test_channels_may_come_to_a_tree_that_has_none(tmp_path: Path) -> None:
    root, current = tree(tmp_path / "tree", {"gateway.yaml": "version: 1\n"}), Current(Supervisor())
    reloader = Reloader(sources(root, tmp_path / "state"), current)
    await reloader.load_first(last_good=False)
    assert [each.code for each in current.state.diagnostics] == ["W214"]

    (root / "gateway.yaml").write_text(SMALL)
    assert await reloader.reload()
    assert list(current.snapshot.channels) == ["main"]


@pytest.mark.parametrize("files", [None, {"providers/mine.yaml": "provider: mine\n"}, {"gateway.yml": SMALL}])
async def test_the_example_is_not_served_by_mistake(tmp_path: Path, files: dict[str, str | bytes] | None) -> None:
    root, current = tmp_path / "tree", Current(Supervisor())
    if files is not None:
        tree(root, files)

    with pytest.raises(ConfigError, match=r"E110|E108"):
        await Reloader(sources(root, tmp_path / "state"), current).load_first(last_good=False)

    assert current.alive == 0


def price_of(current: Current) -> str:
    model = current.snapshot.model("small")
    assert model is not None
    return str(next(iter(model.price.tiers[0].by_unit.values())).amount)


def state_of(current: Current) -> tuple[bool, tuple[object, ...]]:
    return current.state.ok, current.state.diagnostics


async def test_a_resource_that_cannot_be_prepared_keeps_the_old_generation(rig: Rig) -> None:
    async def refuse(_: Snapshot) -> None:
        raise OSError("no such device")

    rig.current.register(ResourceKey[None]("broken"), refuse)
    generation = rig.current.generation
    (rig.root / "gateway.yaml").write_text(priced("2"))

    state = await rig.refuses()

    assert state.error == "OSError: no such device"
    assert rig.current.generation is generation


async def test_a_broken_tree_is_not_started(tmp_path: Path) -> None:
    root = tree(tmp_path / "tree", {"gateway.yaml": BROKEN})
    current = Current(Supervisor())

    with pytest.raises(ConfigError, match="E201"):
        await Reloader(sources(root, tmp_path / "state"), current).load_first(last_good=True)
    with pytest.raises(RuntimeError):
        current.pin()


async def test_the_last_good_tree_starts_over_a_broken_one(tmp_path: Path) -> None:
    root = tree(tmp_path / "tree", {"gateway.yaml": priced("3")})
    where = sources(root, tmp_path / "state")
    good = await Reloader(where, Current(Supervisor())).load_first(last_good=False)
    (root / "gateway.yaml").write_text(BROKEN)

    with pytest.raises(ConfigError):
        await Reloader(where, Current(Supervisor())).load_first(last_good=False)
    current = Current(Supervisor())
    kept = await Reloader(where, current).load_first(last_good=True)

    assert kept.snapshot.revision.id == good.snapshot.revision.id
    assert kept.snapshot.models == good.snapshot.models
    assert not current.state.ok
    assert [each.code for each in current.state.diagnostics] == ["E201", "E205"]


ON_TRIAL = "rollout: {share: 10%, minimum: 1}\n"


async def test_a_secret_that_is_rotated_during_a_trial_is_read_again_for_both_trees(tmp_path: Path) -> None:
    root = tree(tmp_path / "tree", {"gateway.yaml": SECRET, "key": "first", "other": "first"})
    current = Current(Supervisor())
    reloader = Reloader(sources(root, tmp_path / "state"), current)
    await reloader.load_first(last_good=False)
    old = current.snapshot.revision.id
    (root / "gateway.yaml").write_text(ON_TRIAL + SECRET.replace("file:key", "file:other"))
    assert await reloader.reload()
    assert current.trial is not None
    current.trial.contest.new.calls = 7
    began = current.trial.began

    for name in ("key", "other"):
        (root / name).write_text("second")
        assert await reloader.reload()

    assert current.snapshot.revision.id == old
    assert [each.channels["main"].credentials[0].secret for each in current.served] == ["second", "second"]
    assert (current.trial.began, current.trial.contest.new.calls) == (began, 7)
    assert current.state.revision == current.trial.revision


async def test_a_start_over_a_rejected_tree_survives_that_the_other_does_not_compile_any_more(tmp_path: Path) -> None:
    root = tree(tmp_path / "tree", {"gateway.yaml": SECRET, "key": "first"})
    where = sources(root, tmp_path / "state")
    good = await Reloader(where, Current(Supervisor())).load_first(last_good=False)
    (root / "gateway.yaml").write_text(SMALL)
    (root / "key").unlink()
    current = Current(Supervisor())
    reloader = Reloader(where, current)
    bad = reloader.look().id
    rejection = Rejection(bad, good.snapshot.revision.id, "wrong", "cli:ann", AT)

    served = await reloader.load_first(last_good=False, rejections={bad: rejection})

    assert served.snapshot.revision.id == bad
    assert not current.state.ok
    assert current.state.error == (
        f"rejected by cli:ann: wrong, but {rejection.instead} does not compile any more: {bad} stays"
    )
    assert [each.code for each in current.state.diagnostics] == ["E403"]


async def test_the_tree_is_not_read_where_nothing_is_said_of_revisions(tmp_path: Path) -> None:
    root = tree(tmp_path / "tree", {"gateway.yaml": SMALL})
    reloader = Counting(sources(root, tmp_path / "state"), Current(Supervisor()))
    await reloader.load_first(last_good=False)
    rejections = {"0123456789ab": Rejection("0123456789ab", "ba9876543210", "wrong", "cli:ann", AT)}

    for _ in range(3):
        await reloader.obey({})
    assert reloader.looks == 0
    for _ in range(3):
        await reloader.obey(rejections)
    assert reloader.looks == 1


class Counting(Reloader):
    """A reloader that counts its looks."""

    looks = 0

    def look(self) -> Look:
        self.looks += 1
        return super().look()


async def test_a_rejection_of_ones_own_is_kept_until_the_others_know_and_is_theirs_to_lift_then(tmp_path: Path) -> None:
    root = tree(tmp_path / "tree", {"gateway.yaml": SMALL})
    current = Current(Supervisor())
    reloader = Reloader(sources(root, tmp_path / "state"), current)
    await reloader.load_first(last_good=False)
    (root / "gateway.yaml").write_text(ON_TRIAL + SMALL)
    await reloader.reload()
    assert current.trial is not None
    current.trial.contest.new.calls = current.trial.contest.new.failures = 1
    rejection = await reloader.judge("rollout:here")
    assert rejection is not None

    await reloader.obey({})
    assert (current.trial, current.state.ok) == (None, False)

    reloader.confirm(rejection.revision)
    await reloader.obey({})
    assert current.trial is not None
    assert current.trial.revision == rejection.revision


async def test_a_state_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    root = tree(tmp_path / "tree", {"gateway.yaml": SMALL})
    state = tmp_path / "state"
    state.write_text("a file")
    current = Current(Supervisor())

    await Reloader(sources(root, state), current).load_first(last_good=False)

    assert current.state.ok


async def test_an_empty_folder_serves_the_shipped_example_and_then_its_own_tree(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    async with watching(root, tmp_path) as rig:
        assert rig.current.snapshot.model("echo") is not None
        (root / "gateway.yaml").write_text(priced("4"))
        await rig.until(lambda: rig.current.snapshot.model("small") is not None)


async def test_the_example_is_told_from_a_tree_of_ones_own(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    reloader = Reloader(sources(root, tmp_path / "state"), Current(Supervisor()))
    await reloader.load_first(last_good=False)
    assert reloader.is_example

    (root / "gateway.yaml").write_text(SMALL)
    await reloader.reload()
    assert not reloader.is_example


class Scripted(Reloader):
    """A reloader whose looks are given, and that only remembers what it was to load."""

    def __init__(self, folder: Path, looks: list[str]) -> None:
        super().__init__(sources(folder, folder), Current(Supervisor()))
        self.looks = looks
        self.loaded: list[Tree] = []
        self.seen = self.look()

    def look(self) -> Look:
        name = self.looks.pop(0)
        return Look(Tree(None, {name: b""}, (), is_builtin=False, commit=None, diagnostics=()), name, {})

    async def _load(self, look: Look) -> None:
        self.loaded.append(look.tree)


async def test_a_tree_that_keeps_changing_is_loaded_when_two_looks_agree(tmp_path: Path) -> None:
    reloader = Scripted(tmp_path, ["old", "half", "three quarters", "whole", "whole"])

    await Watcher(reloader, Supervisor(), poll_seconds=600)._look_and_load()

    assert [list(loaded.files) for loaded in reloader.loaded] == [["whole"]]


async def test_a_change_that_is_taken_back_before_it_settles_is_no_change(tmp_path: Path) -> None:
    reloader = Scripted(tmp_path, ["old", "half", "old"])

    await Watcher(reloader, Supervisor(), poll_seconds=600)._look_and_load()

    assert reloader.loaded == []
