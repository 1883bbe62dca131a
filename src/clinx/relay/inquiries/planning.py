"""Plans and patches: what it would mean to serve the tree on disk with other documents, and one value changed in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from clinx.config.diagnostics import ConfigError, Diagnostic, ordered
from clinx.config.editing import EditError
from clinx.config.effects import Served, compare
from clinx.config.proposal import propose
from clinx.config.snapshot import Snapshot
from clinx.config.token_losses import TokenLoss
from clinx.config.tree import read_tree
from clinx.config.watch import Sources
from clinx.domain.inquiry import Document, InquiryError, LossTold, PatchTold, PlanTable, PlanTold
from clinx.relay.inquiries.candidate import Candidate, candidate, compiled, refusals, served_tree
from clinx.relay.inquiries.plan_sections import Outcome, Side, sections
from clinx.relay.inquiries.told import finding
from clinx.relay.inquiries.traffic import replayed, with_tokens
from clinx.storage.database import Database

LONGEST_REPLAY: Final = timedelta(days=7)
MOST_CALLS: Final = 100_000
"""Logged calls that are replayed: as many as take some seconds."""
MOST_ROWS: Final = 500
"""Rows of a table that are told."""
MOST_LOSSES: Final = 1000
"""Losses that are told."""

_PATH: Final = 500
_VALUE: Final = 64 * 1024


@dataclass(slots=True)
class Planner:
    """Plans, one at a time: it takes a processor for as long as a tree is large."""

    database: Database
    logs: Database
    sources: Sources
    served: Callable[[], Snapshot]
    """What is served to most."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def plan(self, documents: Sequence[Document], replay: timedelta | None) -> PlanTold:
        """Return what it would mean; nothing is written.

        Raises:
            InquiryError: the documents or the span cannot be, or there is nothing to compare with.
            StorageUnavailable: the database cannot be read now.
        """
        if replay is not None and not timedelta() < replay <= LONGEST_REPLAY:
            days = LONGEST_REPLAY.days
            raise InquiryError("invalid_span", f"A replay is of at most {days} days.", "replay", most_days=days)
        async with self._turn:
            found = await asyncio.to_thread(candidate, self.sources, documents)
            before = await asyncio.to_thread(self._before)
            after = await asyncio.to_thread(self._after, before, found)
            if isinstance(after, PlanTold):
                return after
            return await self._told(before, after, found, replay)

    async def propose(self, path: str, value: str | None) -> PatchTold:
        """Return the change of one value of the tree on disk; None takes the entry out. Nothing is written.

        Raises:
            InquiryError: ``cannot_propose``: the path leads nowhere, or more would have to change.
        """
        if not path.strip(". "):  # That would be the whole file, which a patch would show.
            raise InquiryError("cannot_propose", "Say which value.", "path")
        if len(path) > _PATH or len(value or "") > _VALUE:
            raise InquiryError("cannot_propose", "That is too long.", "path" if len(path) > _PATH else "value")
        async with self._turn:
            return await asyncio.to_thread(self._patch, path, value)

    def _before(self) -> Served:
        tree = served_tree(self.sources, self.served().revision.id)
        try:
            return Served(tree, compiled(self.sources, tree).snapshot)
        except ConfigError:
            said = "The tree on disk does not compile, and the one that is served is not kept here."
            raise InquiryError("nothing_to_compare", said) from None

    def _after(self, before: Served, found: Candidate) -> tuple[Served, tuple[Diagnostic, ...]] | PlanTold:
        """Return the candidate with its warnings; what there is to tell when it cannot be served."""
        try:
            done = compiled(self.sources, found.tree)
        except ConfigError as error:
            return _refused(before, found, error.diagnostics)
        if refused := refusals(before.snapshot, found.tree, done.snapshot):
            return _refused(before, found, ordered((*done.diagnostics, *refused)))
        return Served(found.tree, done.snapshot), done.diagnostics

    async def _told(
        self,
        before: Served,
        after: tuple[Served, tuple[Diagnostic, ...]],
        found: Candidate,
        replay: timedelta | None,
    ) -> PlanTold:
        other, warnings = after
        effects = await asyncio.to_thread(compare, before, other)
        sides = [Side(name, each.tree.id) for name, each in (("served", before), ("candidate", other))]
        outcome = await with_tokens(Outcome(sides[0], sides[1], effects), self.database, before, other)
        calls, is_cut = None, False
        if replay is not None:
            until = self.sources.now()
            run, calls, is_cut = await replayed(
                self.database, self.logs, other, since=until - replay, until=until, most=MOST_CALLS
            )
            outcome = replace(outcome, replayed=run.report(), span=f"{calls} calls")
        return PlanTold(
            before=before.tree.id,
            after=other.tree.id,
            findings=tuple(map(finding, warnings)),
            is_servable=True,
            is_empty=outcome.is_empty,
            unread=found.unread,
            tables=tuple(
                PlanTable(each.title, each.header, tuple(each.rows[:MOST_ROWS])) for each in sections(outcome)
            ),
            losses=tuple(map(_loss, outcome.losses[:MOST_LOSSES])),
            calls=calls,
            is_cut=is_cut,
        )

    def _patch(self, path: str, value: str | None) -> PatchTold:
        sources = self.sources
        tree = read_tree(sources.root, sources.defaults)
        if tree.is_builtin:
            raise InquiryError("cannot_propose", "The shipped example is served: there is no tree to change.")
        try:
            change = propose(tree, path, value)
        except EditError as error:
            raise InquiryError("cannot_propose", str(error), "path") from None
        try:
            found = compiled(sources, change.applied(tree)).diagnostics
        except ConfigError as error:
            found = error.diagnostics
        return PatchTold(change.file, change.patch, change.note, tuple(map(finding, found)))


def _refused(before: Served, found: Candidate, diagnostics: tuple[Diagnostic, ...]) -> PlanTold:
    return PlanTold(
        before=before.tree.id,
        after=found.tree.id,
        findings=tuple(map(finding, diagnostics)),
        is_servable=False,
        is_empty=False,
        unread=found.unread,
    )


def _loss(loss: TokenLoss) -> LossTold:
    return LossTold(loss.id, loss.name, loss.user, loss.group, loss.models, loss.is_all)
