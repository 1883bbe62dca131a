"""What would become of a logged call if it came again, under the tree as it is now.

A log keeps neither the body nor the headers of a call, so rules that look at them see nothing here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from clinx.config.snapshot import Snapshot
from clinx.domain.identity import Token, User
from clinx.domain.request_log import RequestLog
from clinx.relay.inquiries import case_story
from clinx.relay.inquiries.case_story import NOTHING, Over
from clinx.relay.rehearsal import NO_TOKEN, NOBODY, Case, Rehearsal, rehearse
from clinx.relay.replay import OPERATIONS

UNREAD: Final = "rules that look at the body or the headers see nothing: a log keeps neither"


def again(snapshot: Snapshot, log: RequestLog, user: User | None, token: Token | None) -> Rehearsal | None:
    """Rehearse a logged call; None where it says too little, or asks for nothing that is routed."""
    model, operation = log.asked_model or log.model, OPERATIONS.get(log.operation)
    if model is None or log.group is None or operation is None:
        return None
    case = Case(
        model=model,
        user=user or NOBODY,
        token=replace(token or NO_TOKEN, group=log.group),
        operation=operation,
        dialect=log.dialect,
        stream=log.stream,
        address=log.address,
        at=log.at,
    )
    return rehearse(snapshot, case)


def as_text(found: Rehearsal, log: RequestLog, revision: str, over: Over = NOTHING) -> str:
    """Tell it to people."""
    return f"\nThe same under revision {revision}; {UNREAD}:\n{case_story.as_text(found, log.usage, over)}"


def as_json(found: Rehearsal, log: RequestLog, revision: str, over: Over = NOTHING) -> dict[str, Any]:
    """Tell it to programs."""
    return {"revision": revision, **case_story.as_json(found, log.usage, over)}
