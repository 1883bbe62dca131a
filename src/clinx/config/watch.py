"""Notice a settled change, compile, publish or report.

Content decides, never times: a look is the hash of the tree and of the secret files it refers to, and a change is
taken up when two looks in a row agree. A tree that does not compile, or whose resources cannot be prepared, changes
nothing: what was served goes on being served, and the reasons are kept for operators.

A tree that asks for a rollout is tried out on a part of the callers before it is published; one that was rejected is
not served, but an earlier one of the history in its place, until the tree changes or the rejection is lifted.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from clinx.config.compile import Compiled, compile_tree
from clinx.config.current import Current, Generation, ReloadState, Trial
from clinx.config.diagnostics import ConfigError, Diagnostic
from clinx.config.document import DocumentReader
from clinx.config.last_good import LastGood
from clinx.config.look import Look, look_at
from clinx.config.nodes import Mark, Node
from clinx.config.notice import Notifier
from clinx.config.rollout import Verdict, decide, reason
from clinx.config.secrets import SecretResolver
from clinx.config.snapshot import Snapshot
from clinx.config.succession import objections
from clinx.config.tree import FOLDERS, ROOT_FILE, TESTS, WORD_FOLDER, Tree, TreeReader
from clinx.dialects.base import Dialect
from clinx.domain.revision import Rejection
from clinx.telemetry.tasks import Supervisor

log = logging.getLogger("clinx.config")

_NONE: Final[Mapping[str, Rejection]] = {}

SETTLE_SECONDS: Final = 0.1
"""How long a changed tree must have been quiet."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a tree comes from, and what compiling it needs."""

    root: Path
    defaults: Path
    state_dir: Path
    environ: Mapping[str, str] = field(repr=False)
    env_prefixes: tuple[str, ...]
    dialects: Mapping[str, Dialect] = field(repr=False)
    now: Callable[[], datetime]
    verify: Callable[[Snapshot, Tree], Sequence[Diagnostic]] = lambda _snapshot, _tree: ()
    """Runs the tests of a tree that compiles; what it finds keeps the tree from being served."""


class Reloader:
    """Loads trees: compile, prepare, publish; or report and change nothing."""

    def __init__(
        self,
        sources: Sources,
        current: Current,
        *,
        on_outcome: Callable[[ReloadState], None] = lambda _: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wire the reloader; nothing is read yet. ``on_outcome`` is told of every attempt (gauges)."""
        self._sources = sources
        self._current = current
        self._on_outcome = on_outcome
        self._monotonic = monotonic
        self._documents = DocumentReader()
        self._tree = TreeReader(sources.root, sources.defaults, self._documents)
        self._last_good = LastGood(sources.state_dir)
        self._lock = asyncio.Lock()
        self._served_own = False
        self._served_secrets: Mapping[Path, str] = {}
        """What the published tree refers to; the one on trial may refer to others."""
        self._rejections = dict(_NONE)
        self._own: dict[str, Rejection] = {}
        """What was rejected here and is not yet said to the others."""
        self._approved: set[str] = set()
        """Revisions that an operator promoted: they are not tried out again."""
        self.history = self._last_good.history
        self.seen: Look | None = None
        """The look that was last compiled, good or not."""

    async def load_first(self, *, last_good: bool, rejections: Mapping[str, Rejection] = _NONE) -> Generation:
        """Load the tree and publish it; with ``last_good``, over a broken tree, the kept one.

        Raises:
            ConfigError: the tree is broken, and nothing was kept or it was not asked for.
        """
        tree = await asyncio.to_thread(self._tree.read)
        self._rejections = dict(rejections)
        if tree.id in rejections and await self._publish_kept_if_good(rejections[tree.id].instead):
            await self._load(Look(tree, tree.id, self._secrets))
            return self._current.generation
        try:
            compiled = await asyncio.to_thread(self._compile, tree)
        except ConfigError as error:
            seen = self.seen
            if not last_good or not await self._publish_kept():
                raise
            # The broken tree is what the next look is compared with, or it would be reported again.
            self.seen = seen
            self._failed(tree, error.diagnostics, None)
            log.warning("config.serving_last_good", extra={"revision": self._current.snapshot.revision.id})
        else:
            await self._begin(tree, compiled)
            if (rejection := rejections.get(tree.id)) is not None:
                await self._serve_instead(Look(tree, tree.id, {}), rejection)
        return self._current.generation

    async def _begin(self, tree: Tree, compiled: Compiled) -> None:
        """Serve the tree found at a start; one that asks for a rollout beside the one that was served before."""
        seen = self.seen
        if compiled.snapshot.rollout is not None:
            await self._publish_kept_if_good()
            self.seen = seen
        await self._bring(tree, compiled)

    async def _publish_kept_if_good(self, revision: str | None = None) -> bool:
        """Publish a tree that was kept; False when it is not there, or does not compile any more."""
        try:
            return await self._publish_kept(revision)
        except ConfigError as error:
            said = [str(each) for each in error.diagnostics]
            log.warning("config.last_good_is_broken", extra={"revision": revision, "diagnostics": said})
            return False

    async def _publish_kept(self, revision: str | None = None) -> bool:
        """Publish the tree kept last, or one of the history; False when it is not there.

        Raises:
            ConfigError: it does not compile any more: a secret is gone.
        """
        find = self._last_good.read if revision is None else lambda: self._last_good.find(revision)
        kept = await asyncio.to_thread(find)
        if kept is None:
            return False
        await self._publish(kept, await asyncio.to_thread(self._compile, kept))
        return True

    @property
    def is_example(self) -> bool:
        """Whether the shipped example is served, because the root holds no root document."""
        return not self._served_own

    async def reload(self) -> bool:
        """Look now, and load the tree if it differs from the last look or that one failed; say whether it is served."""
        async with self._lock:
            look = await asyncio.to_thread(self.look)
            if look != self.seen or not self._current.state.ok:
                await self._load(look)
            return self._current.state.ok

    async def load_settled(self, before: Look) -> Look:
        """Look again, and load the tree if it is still as it was before; return the new look.

        What was seen at an earlier look is never loaded: another reload may have looked and loaded since.
        """
        async with self._lock:
            look = await asyncio.to_thread(self.look)
            if look == before and look != self.seen:
                await self._load(look)
            return look

    async def obey(self, rejections: Mapping[str, Rejection]) -> None:
        """Take note of which revisions are rejected now, and serve what that makes of the tree on disk."""
        async with self._lock:
            rejections = {**rejections, **self._own}
            before, self._rejections = self._rejections, rejections
            if before == rejections:
                return  # As nearly always: the tree need not be read for that.
            look = await asyncio.to_thread(self.look)
            if before.get(look.id) != rejections.get(look.id):
                await self._load(look)
            if (trial := self._current.trial) is not None and trial.revision in rejections:
                self._current.end_trial()

    def confirm(self, revision: str) -> None:
        """Take note that the others know of a rejection that was made here: from now on it is theirs to lift."""
        self._own.pop(revision, None)

    async def promote(self, revision: str) -> bool:
        """Serve a revision to all if it is on trial, now or when it comes; say whether it was."""
        async with self._lock:
            self._approved.add(revision)
            trial = self._current.trial
            if trial is None or trial.revision != revision:
                return False
            self._current.publish(trial.generation)
            self._served_own, self._served_secrets = not trial.tree.is_builtin, self._secrets
            await asyncio.to_thread(self._keep, trial.tree)
            self._report(replace(self._current.state, at=self._sources.now()))
            log.info("rollout.promoted", extra={"revision": revision, "calls": trial.contest.new.calls})
            return True

    async def judge(self, actor: str) -> Rejection | None:
        """Promote or reject what is on trial, if its figures or its time say so; return a rejection, to be spread."""
        trial = self._current.trial
        if trial is None:
            return None
        match decide(trial.rollout, trial.contest, self._monotonic() - trial.began):
            case Verdict.GOES_ON:
                return None
            case Verdict.PROMOTED:
                await self.promote(trial.revision)
                return None
            case Verdict.REJECTED:
                return await self._reject(trial, actor)

    async def _reject(self, trial: Trial, actor: str) -> Rejection:
        why, served = reason(trial.contest), self._current.snapshot.revision.id
        rejection = Rejection(trial.revision, served, why, actor, self._sources.now())
        log.error("rollout.rejected", extra={"revision": trial.revision, "instead": served, "reason": why})
        self._own[trial.revision] = rejection
        await self.obey(self._rejections)
        return rejection

    def look(self) -> Look:
        """Read the tree and the secret files it refers to; blocks on files."""
        return look_at(self._tree, self._secrets)

    @property
    def _secrets(self) -> Mapping[Path, str]:
        """The secret files that are watched, as they were when they were last read."""
        return self.seen.secrets if self.seen is not None else {}

    def folders(self) -> list[Path]:
        """Return where edits may happen; some may not exist."""
        included = self.seen.tree.included if self.seen is not None else ()
        names = ["", *FOLDERS, TESTS, WORD_FOLDER, *(str(Path(name).parent) for name in included)]
        return list(dict.fromkeys([*(self._sources.root / name for name in names), *(p.parent for p in self._secrets)]))

    async def _load(self, look: Look) -> None:
        """Compile, prepare and publish, or report why not; never raises for what the tree says."""
        tree = look.tree
        try:
            self._refuse_vanished(tree)
            if (rejection := self._rejections.get(tree.id)) is not None:
                await self._serve_instead(look, rejection)
                return
            compiled = await asyncio.to_thread(self._compile, tree)
            self._refuse_successor(tree, compiled)
            await self._bring(tree, compiled)
        except ConfigError as error:
            self._failed(tree, error.diagnostics, None)
        except Exception as error:
            # A preparer may fail in any way, and the served tree must survive it.
            log.exception("config.prepare_failed", extra={"revision": tree.id})
            self._failed(tree, (), f"{type(error).__name__}: {error}")

    async def _bring(self, tree: Tree, compiled: Compiled) -> None:
        """Publish a tree, or try it out first if that is what it asks for and there is another to fall back to."""
        snapshot, rollout = compiled.snapshot, compiled.snapshot.rollout
        said = {"revision": snapshot.revision.id, "commit": snapshot.revision.commit}
        is_new = self._current.is_serving and self._current.snapshot.revision.id != tree.id
        if rollout is None or not is_new or tree.id in self._approved:
            is_first = not self._current.is_serving
            await self._publish(tree, compiled)
            if not is_first:
                log.info("config.reloaded", extra=said)
            return
        running = self._current.trial
        if running is not None and running.revision == tree.id:  # A secret is another one: so it is for both.
            await self._renew(tree, compiled, running)
            return
        generation = await self._current.prepare(snapshot)
        self._try_out(Trial(tree, generation, rollout, self._monotonic(), self._sources.now()), compiled)
        log.info("rollout.started", extra={**said, "share": rollout.shown, "seconds": rollout.seconds})

    async def _renew(self, tree: Tree, compiled: Compiled, running: Trial) -> None:
        """Read the secrets of the served tree again as well as those of the one on trial, which goes on."""
        seen = self.seen
        await self._publish_kept_if_good(self._current.snapshot.revision.id)
        self.seen = seen
        generation = await self._current.prepare(compiled.snapshot)
        self._try_out(replace(running, tree=tree, generation=generation), compiled)

    def _try_out(self, trial: Trial, compiled: Compiled) -> None:
        self._current.try_out(trial)
        self.seen = Look(trial.tree, trial.tree.id, {**self._served_secrets, **self._secrets})
        self._report(ReloadState(True, self._sources.now(), trial.tree.id, compiled.diagnostics))

    async def _serve_instead(self, look: Look, rejection: Rejection) -> None:
        """Serve what a rejection says in the place of the tree on disk, if the history has it."""
        trial = self._current.trial
        if trial is not None and trial.revision == look.id:
            self._current.end_trial()
        secrets = self._secrets
        served, where = self._current.snapshot.revision.id, ""
        found: tuple[Diagnostic, ...] = ()
        try:
            if served == rejection.instead and look.secrets == secrets:
                self._current.end_trial()
            elif not await self._publish_kept(rejection.instead):
                where = f", but {rejection.instead} is not in the history of this machine: {served} stays"
        except ConfigError as broken:
            found, where = broken.diagnostics, f", but {rejection.instead} does not compile any more: {served} stays"
        finally:
            self.seen = Look(look.tree, look.id, self._secrets)
        error = f"rejected by {rejection.actor}: {rejection.reason}{where}"
        self._report(ReloadState(False, self._sources.now(), look.id, found, error))
        log.warning("config.revision_rejected", extra={"revision": look.id, "reason": error})

    def _refuse_vanished(self, tree: Tree) -> None:
        """Do not fall back to the shipped example because a mount is away for a moment."""
        if self._served_own and tree.is_builtin:
            self.seen = Look(tree, tree.id, self._secrets)
            raise ConfigError([Mark(ROOT_FILE).finding("E110", "the root document is gone")])

    def _refuse_successor(self, tree: Tree, compiled: Compiled) -> None:
        document = self._documents.read(ROOT_FILE, tree.files[ROOT_FILE]).root
        found = objections(self._current.snapshot, compiled.snapshot, document or Node({}, Mark(ROOT_FILE)))
        if refused := tuple(found):
            raise ConfigError((*compiled.diagnostics, *refused))

    async def _publish(self, tree: Tree, compiled: Compiled) -> Generation:
        secrets = self._secrets
        generation = await self._current.prepare(compiled.snapshot)
        self._current.publish(generation)
        self._served_own, self._served_secrets = not tree.is_builtin, secrets
        self._report(ReloadState(True, self._sources.now(), tree.id, compiled.diagnostics))
        if self._served_own:
            await asyncio.to_thread(self._keep, tree)
        return generation

    def _compile(self, tree: Tree) -> Compiled:
        sources = self._sources
        secrets = SecretResolver(sources.environ, sources.root, sources.env_prefixes)
        try:
            compiled = compile_tree(
                tree, secrets=secrets, dialects=sources.dialects, at=sources.now(), reader=self._documents
            )
            if failed := sources.verify(compiled.snapshot, tree):
                raise ConfigError((*compiled.diagnostics, *failed))
            return compiled
        finally:
            self.seen = Look(tree, tree.id, dict(secrets.files))

    def _keep(self, tree: Tree) -> None:
        try:
            self._last_good.keep(tree)
        except OSError as error:
            log.warning("config.last_good_not_kept", extra={"reason": str(error)})

    def _failed(self, tree: Tree, diagnostics: tuple[Diagnostic, ...], error: str | None) -> None:
        self._report(ReloadState(False, self._sources.now(), tree.id, diagnostics, error))
        log.error(
            "config.reload_failed",
            extra={"revision": tree.id, "diagnostics": [str(each) for each in diagnostics], "reason": error},
        )

    def _report(self, state: ReloadState) -> None:
        self._current.state = state
        self._on_outcome(state)


class Watcher:
    """Follows the tree: waits, looks, and loads what has settled."""

    def __init__(self, reloader: Reloader, supervisor: Supervisor, *, poll_seconds: float) -> None:
        """Wire the watcher; it watches while `run` runs."""
        self._reloader = reloader
        self._notifier = Notifier(reloader.folders, poll_seconds, supervisor)

    async def run(self) -> None:
        """Follow the tree until cancelled."""
        try:
            while True:
                await self._notifier.wait()
                await self._look_and_load()
        finally:
            await self._notifier.close()

    def wake(self) -> None:
        """Look now rather than at the next poll."""
        self._notifier.wake()

    async def _look_and_load(self) -> None:
        look = await asyncio.to_thread(self._reloader.look)
        while look != self._reloader.seen:
            await asyncio.sleep(SETTLE_SECONDS)
            again = await self._reloader.load_settled(look)
            if again == look:
                return
            look = again
