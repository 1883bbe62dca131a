"""Which snapshot is served, and its live resources: prepare, publish, pin, retire.

Everything that can fail happens in `Current.prepare`; `Current.publish` is one assignment. An exchange pins the
generation it began under, so what it uses stays open until it has finished, however many reloads come in between.

While a revision is on trial two generations are served: `Current.choose` says which of them a caller gets.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar, cast

from clinx.config.diagnostics import Diagnostic
from clinx.config.rollout import Contest, Rollout, result
from clinx.config.snapshot import Snapshot
from clinx.config.tree import Tree
from clinx.domain.revision import Standing
from clinx.errors import GatewayError
from clinx.telemetry.tasks import Supervisor

T = TypeVar("T")

Preparer = Callable[[Snapshot], Awaitable[T]]
Closer = Callable[[T], Awaitable[None]]


class ResourceKey(Generic[T]):
    """A typed name for a resource of a generation: two keys are the same only if they are one object."""

    def __init__(self, name: str) -> None:
        """Keep a name for messages."""
        self.name = name

    def __repr__(self) -> str:
        """Show the name."""
        return f"ResourceKey({self.name!r})"


class Generation:
    """A snapshot running on this process. Closed exactly once: when it is retired and nobody pins it."""

    def __init__(
        self,
        snapshot: Snapshot,
        resources: dict[ResourceKey[Any], Any],
        closers: AsyncExitStack,
        supervisor: Supervisor,
        on_closed: Callable[[Generation], None],
    ) -> None:
        """Take over prepared resources; `Current.prepare` makes generations."""
        self.snapshot = snapshot
        self.pins = 0
        self.is_retired = False
        self.is_closed = False
        self._resources = resources
        self._closers = closers
        self._supervisor = supervisor
        self._on_closed = on_closed

    def resource(self, key: ResourceKey[T]) -> T:
        """Return the resource prepared under this key."""
        return cast("T", self._resources[key])

    def pin(self) -> Generation:
        """Keep this generation open until `unpin`."""
        self.pins += 1
        return self

    def unpin(self) -> None:
        """Let go; the last one out of a retired generation closes it.

        Raises:
            RuntimeError: more unpins than pins.
        """
        if not self.pins:
            raise RuntimeError("a generation was unpinned more often than pinned")
        self.pins -= 1
        self._close_when_free()

    def retire(self) -> None:
        """Say that no new exchange will pin this."""
        self.is_retired = True
        self._close_when_free()

    def _close_when_free(self) -> None:
        if self.is_retired and not self.pins and not self.is_closed:
            self.is_closed = True
            self._supervisor.start(self._close(), name=f"close generation {self.snapshot.revision.id}")

    async def _close(self) -> None:
        try:
            await self._closers.aclose()
        finally:
            self._on_closed(self)


@dataclass(frozen=True, slots=True)
class Trial:
    """A generation that has a part of the callers, beside the one that has the rest."""

    tree: Tree
    generation: Generation
    rollout: Rollout
    began: float
    """Monotonic seconds."""
    at: datetime
    contest: Contest = field(default_factory=Contest)

    @property
    def revision(self) -> str:
        """The revision on trial."""
        return self.generation.snapshot.revision.id


@dataclass(frozen=True, slots=True)
class ReloadState:
    """How the last attempt to load the tree ended."""

    ok: bool
    at: datetime | None
    revision: str | None
    """Revision id of the tree that was looked at, served or not."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """Errors and warnings of that attempt."""
    error: str | None = None
    """What failed besides the tree itself: a resource that could not be prepared."""


NEVER = ReloadState(ok=False, at=None, revision=None)
"""Before the first attempt."""


class Current:
    """The moving pointer. Only the edge and the watcher hold it; everyone else is handed a Snapshot."""

    def __init__(self, supervisor: Supervisor) -> None:
        """Start with nothing published."""
        self._supervisor = supervisor
        self._preparers: list[tuple[ResourceKey[Any], Preparer[Any], Closer[Any] | None]] = []
        self._generation: Generation | None = None
        self._alive: set[Generation] = set()
        self.state = NEVER
        self.trial: Trial | None = None
        """What has a part of the calls; nearly always nothing."""

    def register(self, key: ResourceKey[T], preparer: Preparer[T], closer: Closer[T] | None = None) -> None:
        """Add a resource to every generation prepared from now on; prepared in this order, closed in reverse."""
        self._preparers.append((key, preparer, closer))

    async def prepare(self, snapshot: Snapshot) -> Generation:
        """Prepare every resource for a snapshot; when one fails, those before it are closed and the failure raised."""
        resources: dict[ResourceKey[Any], Any] = {}
        async with AsyncExitStack() as stack:
            for key, preparer, closer in self._preparers:
                resource = resources[key] = await preparer(snapshot)
                if closer is not None:
                    stack.push_async_callback(closer, resource)
            generation = Generation(snapshot, resources, stack.pop_all(), self._supervisor, self._alive.discard)
        self._alive.add(generation)
        return generation

    def publish(self, generation: Generation) -> None:
        """Serve this generation to all from now on; the one before, and one on trial, are retired. Cannot fail."""
        before, self._generation = self._generation, generation
        trial, self.trial = self.trial, None
        for old in (before, trial.generation if trial is not None else None):
            if old is not None and old is not generation:
                old.retire()

    def try_out(self, trial: Trial) -> None:
        """Serve a generation to a part of the callers; one that was on trial is retired."""
        self.end_trial()
        self.trial = trial

    def end_trial(self) -> None:
        """Serve what is published to all again."""
        if self.trial is not None:
            self.trial.generation.retire()
            self.trial = None

    async def choose(self, secret: str | None, group_of: Callable[[str], Awaitable[str | None]]) -> Generation:
        """Return the generation that whoever presents this key gets during a trial, not pinned.

        The share is drawn by the key alone. Where a group is on trial, the key is looked up first: the answer is
        remembered, and the exchange that follows needs it anyway.
        """
        trial = self.trial
        if trial is None or not secret:
            return self.generation
        rollout = trial.rollout
        is_chosen = rollout.draws(trial.revision, secret) or (
            rollout.group is not None and await group_of(secret) == rollout.group
        )
        return trial.generation if is_chosen and self.trial is trial else self.generation

    def standing(self) -> Standing | None:
        """Return how the revision on trial is doing; None when there is none."""
        if (trial := self.trial) is None:
            return None
        new, old = trial.contest.new, trial.contest.old
        return Standing(
            revision=trial.revision,
            share=trial.rollout.shown,
            since=trial.at,
            until=trial.at + timedelta(seconds=trial.rollout.seconds),
            calls=new.calls,
            failures=new.failures,
            old_calls=old.calls,
            old_failures=old.failures,
        )

    def observe(self, snapshot: Snapshot, error: GatewayError | None) -> None:
        """Count how a call ended, while a revision is on trial; calls that began under others say nothing."""
        if (trial := self.trial) is None:
            return
        if snapshot is trial.generation.snapshot:
            trial.contest.new.count(result(error))
        elif self._generation is not None and snapshot is self._generation.snapshot:
            trial.contest.old.count(result(error))

    def pin(self) -> Generation:
        """Return the served generation, kept open until its `Generation.unpin`.

        Raises:
            RuntimeError: nothing was published yet.
        """
        return self.generation.pin()

    @property
    def generation(self) -> Generation:
        """The served generation, not pinned: do not use it across an await.

        Raises:
            RuntimeError: nothing was published yet.
        """
        if self._generation is None:
            raise RuntimeError("no generation was published yet")
        return self._generation

    @property
    def snapshot(self) -> Snapshot:
        """The served snapshot.

        Raises:
            RuntimeError: nothing was published yet.
        """
        return self.generation.snapshot

    @property
    def served(self) -> tuple[Snapshot, ...]:
        """Every snapshot that new calls may begin under: the served one, and one on trial.

        Raises:
            RuntimeError: nothing was published yet.
        """
        return (self.snapshot,) if self.trial is None else (self.snapshot, self.trial.generation.snapshot)

    @property
    def is_serving(self) -> bool:
        """Whether anything was published yet."""
        return self._generation is not None

    @property
    def alive(self) -> int:
        """Generations that are not closed yet: the served one, and those still pinned."""
        return len(self._alive)

    def close(self) -> None:
        """Retire what is served; it closes when its last exchange has finished."""
        self.end_trial()
        if self._generation is not None:
            self._generation.retire()
