"""Notice a settled change, compile, publish or report.

Content decides, never times: a look is the hash of the tree and of the secret files it refers to, and a change is
taken up when two looks in a row agree. A tree that does not compile, or whose resources cannot be prepared, changes
nothing: what was served goes on being served, and the reasons are kept for operators.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from clinx.config.compile import Compiled, compile_tree
from clinx.config.current import Current, Generation, ReloadState
from clinx.config.diagnostics import ConfigError, Diagnostic
from clinx.config.document import DocumentReader
from clinx.config.last_good import LastGood
from clinx.config.nodes import Mark, Node
from clinx.config.notice import Notifier
from clinx.config.secrets import SecretResolver, fingerprint
from clinx.config.succession import objections
from clinx.config.tree import FOLDERS, ROOT_FILE, Tree, TreeReader
from clinx.dialects.base import Dialect
from clinx.telemetry.tasks import Supervisor

log = logging.getLogger("clinx.config")

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


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at one moment; two looks are equal when their contents are."""

    tree: Tree = field(compare=False)
    id: str
    secrets: Mapping[Path, str]
    """Files the last compiled tree referred to, by their fingerprints."""


class Reloader:
    """Loads trees: compile, prepare, publish; or report and change nothing."""

    def __init__(
        self,
        sources: Sources,
        current: Current,
        *,
        on_outcome: Callable[[ReloadState], None] = lambda _: None,
    ) -> None:
        """Wire the reloader; nothing is read yet. ``on_outcome`` is told of every attempt (gauges)."""
        self._sources = sources
        self._current = current
        self._on_outcome = on_outcome
        self._documents = DocumentReader()
        self._tree = TreeReader(sources.root, sources.defaults, self._documents)
        self._last_good = LastGood(sources.state_dir)
        self._lock = asyncio.Lock()
        self._served_own = False
        self.seen: Look | None = None
        """The look that was last compiled, good or not."""

    async def load_first(self, *, last_good: bool) -> Generation:
        """Load the tree and publish it; with ``last_good``, over a broken tree, the kept one.

        Raises:
            ConfigError: the tree is broken, and nothing was kept or it was not asked for.
        """
        tree = await asyncio.to_thread(self._tree.read)
        try:
            return await self._publish(tree, await asyncio.to_thread(self._compile, tree))
        except ConfigError as error:
            kept = await asyncio.to_thread(self._last_good.read) if last_good else None
            if kept is None:
                raise
            seen = self.seen
            generation = await self._publish(kept, await asyncio.to_thread(self._compile, kept))
            # The broken tree is what the next look is compared with, or it would be reported again.
            self.seen = seen
            self._failed(tree, error.diagnostics, None)
            log.warning("config.serving_last_good", extra={"revision": kept.id})
            return generation

    @property
    def is_example(self) -> bool:
        """Whether the shipped example is served, because the root holds no root document."""
        return not self._served_own

    async def reload(self) -> bool:
        """Look now, and load the tree if it differs from the last look or that one failed; say whether it is served."""
        async with self._lock:
            look = await asyncio.to_thread(self.look)
            if look != self.seen or not self._current.state.ok:
                await self._load(look.tree)
            return self._current.state.ok

    async def load_settled(self, before: Look) -> Look:
        """Look again, and load the tree if it is still as it was before; return the new look.

        What was seen at an earlier look is never loaded: another reload may have looked and loaded since.
        """
        async with self._lock:
            look = await asyncio.to_thread(self.look)
            if look == before and look != self.seen:
                await self._load(look.tree)
            return look

    def look(self) -> Look:
        """Read the tree and the secret files it refers to; blocks on files."""
        known: Iterable[Path] = self.seen.secrets if self.seen is not None else ()
        secrets = {path: fingerprint(path) for path in known}
        tree = self._tree.read()
        return Look(tree, tree.id, secrets)

    def folders(self) -> list[Path]:
        """Return where edits may happen; some may not exist."""
        included = self.seen.tree.included if self.seen is not None else ()
        names = ["", *FOLDERS, *(str(Path(name).parent) for name in included)]
        secrets = [path.parent for path in self.seen.secrets] if self.seen is not None else []
        return list(dict.fromkeys([*(self._sources.root / name for name in names), *secrets]))

    async def _load(self, tree: Tree) -> None:
        """Compile, prepare and publish, or report why not; never raises for what the tree says."""
        try:
            self._refuse_vanished(tree)
            compiled = await asyncio.to_thread(self._compile, tree)
            self._refuse_successor(tree, compiled)
            generation = await self._publish(tree, compiled)
        except ConfigError as error:
            self._failed(tree, error.diagnostics, None)
        except Exception as error:
            # A preparer may fail in any way, and the served tree must survive it.
            log.exception("config.prepare_failed", extra={"revision": tree.id})
            self._failed(tree, (), f"{type(error).__name__}: {error}")
        else:
            revision = generation.snapshot.revision
            log.info("config.reloaded", extra={"revision": revision.id, "commit": revision.commit})

    def _refuse_vanished(self, tree: Tree) -> None:
        """Do not fall back to the shipped example because a mount is away for a moment."""
        if self._served_own and tree.is_builtin:
            self.seen = Look(tree, tree.id, self.seen.secrets if self.seen is not None else {})
            raise ConfigError([Mark(ROOT_FILE).finding("E110", "the root document is gone")])

    def _refuse_successor(self, tree: Tree, compiled: Compiled) -> None:
        document = self._documents.read(ROOT_FILE, tree.files[ROOT_FILE]).root
        found = objections(self._current.snapshot, compiled.snapshot, document or Node({}, Mark(ROOT_FILE)))
        if refused := tuple(found):
            raise ConfigError((*compiled.diagnostics, *refused))

    async def _publish(self, tree: Tree, compiled: Compiled) -> Generation:
        generation = await self._current.prepare(compiled.snapshot)
        self._current.publish(generation)
        self._served_own = not tree.is_builtin
        self._report(ReloadState(True, self._sources.now(), tree.id, compiled.diagnostics))
        if self._served_own:
            await asyncio.to_thread(self._keep, tree)
        return generation

    def _compile(self, tree: Tree) -> Compiled:
        sources = self._sources
        secrets = SecretResolver(sources.environ, sources.root, sources.env_prefixes)
        try:
            return compile_tree(
                tree, secrets=secrets, dialects=sources.dialects, at=sources.now(), reader=self._documents
            )
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
