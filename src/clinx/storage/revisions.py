"""Which process serves which revision, and which revisions are rejected."""

from __future__ import annotations

from datetime import datetime

import msgspec

from clinx.domain.revision import Rejection, Served, Standing
from clinx.storage.announcements import Topic, announce
from clinx.storage.codec import clean, decode_json, encode_json, instant, micros
from clinx.storage.database import Database
from clinx.storage.program import Program, Row, execute, fetch

_TEXT = 500
_NAME = 64
_FINDINGS = 50
"""Most findings of a tree that are kept; whoever has as many looks at the tree itself."""


def publish(served: Served) -> Program[int]:
    """Write what a process says of itself over what it said before."""
    return execute(
        "INSERT INTO served_revision (node, host, url, revision, commit_id, since, ok, tree, diagnostics, error,"
        " seen_at, trial, answered) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        " ON CONFLICT (node) DO UPDATE SET host = excluded.host, url = excluded.url, revision = excluded.revision,"
        " commit_id = excluded.commit_id, since = excluded.since, ok = excluded.ok, tree = excluded.tree,"
        " diagnostics = excluded.diagnostics, error = excluded.error, seen_at = excluded.seen_at,"
        " trial = excluded.trial, answered = excluded.answered",
        served.node,
        clean(served.host, 255),
        clean(served.url, 255),
        served.revision,
        served.commit,
        micros(served.since),
        int(served.ok),
        served.tree,
        encode_json([clean(each, _TEXT) for each in served.diagnostics[:_FINDINGS]]),
        None if served.error is None else clean(served.error, _TEXT),
        micros(served.seen_at),
        None if served.trial is None else encode_json(served.trial),
        None if served.answered is None else clean(served.answered, _NAME),
    )


def withdraw(node: str, gone_before: datetime) -> Program[int]:
    """Forget a process that ends in good order, and those that were not seen since an instant."""
    return execute("DELETE FROM served_revision WHERE node = $1 OR seen_at < $2", node, micros(gone_before))


async def everywhere(database: Database) -> list[Served]:
    """Return what every process said last, by host and node."""
    rows = await database.fetch(
        "SELECT node, host, url, revision, commit_id, since, ok, tree, diagnostics, error, seen_at, trial, answered"
        " FROM served_revision ORDER BY host, node"
    )
    return [_served(row) for row in rows]


def _served(row: Row) -> Served:
    node, host, url, revision, commit, since, ok, tree, diagnostics, error, seen_at, trial, answered = row
    return Served(
        node=node,
        host=host,
        url=url,
        revision=revision,
        commit=commit,
        since=instant(since),
        ok=bool(ok),
        tree=tree,
        diagnostics=tuple(decode_json(diagnostics)),
        error=error,
        seen_at=instant(seen_at),
        trial=None if trial is None else msgspec.json.decode(trial, type=Standing),
        answered=answered,
    )


def reject(rejection: Rejection) -> Program[None]:
    """Write that a revision is not to be served, over what was said of it before, and tell every process."""
    yield from execute(
        "UPDATE rejection SET lifted_at = $2, lifted_by = $3 WHERE revision = $1 AND lifted_at IS NULL",
        rejection.revision,
        micros(rejection.at),
        clean(rejection.actor, _NAME),
    )
    yield from execute(
        "INSERT INTO rejection (revision, instead, reason, actor, at) VALUES ($1, $2, $3, $4, $5)",
        rejection.revision,
        rejection.instead,
        clean(rejection.reason, _TEXT),
        clean(rejection.actor, _NAME),
        micros(rejection.at),
    )
    yield from announce(Topic.REVISION, rejection.revision, rejection.at)


def lift(revision: str | None, actor: str, now: datetime) -> Program[list[str]]:
    """End the rejection of one revision, or of all, and tell every process; return which were rejected."""
    rows = yield from fetch(
        "SELECT revision FROM rejection WHERE lifted_at IS NULL AND (revision = $1 OR $2 = 1) ORDER BY id",
        revision or "",
        int(revision is None),
    )
    found = [row[0] for row in rows]
    for each in found:
        yield from execute(
            "UPDATE rejection SET lifted_at = $2, lifted_by = $3 WHERE revision = $1 AND lifted_at IS NULL",
            each,
            micros(now),
            clean(actor, _NAME),
        )
        yield from announce(Topic.REVISION, each, now)
    return found


def promote(revision: str, actor: str, now: datetime) -> Program[None]:
    """Tell every process to serve a revision that is on trial to all; one that was rejected is not any more."""
    yield from announce(Topic.PROMOTE, revision, now)
    yield from lift(revision, actor, now)


async def rejected(database: Database) -> dict[str, Rejection]:
    """Return the rejections in force, by the rejected revision, oldest first."""
    rows = await database.fetch(
        "SELECT revision, instead, reason, actor, at FROM rejection WHERE lifted_at IS NULL ORDER BY id"
    )
    return {row[0]: Rejection(row[0], row[1], row[2], row[3], instant(row[4])) for row in rows}
