"""Which request logs somebody asks for, and whether they may."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import strawberry

from clinx.domain.request_log import RequestLog
from clinx.graphql.context import Context
from clinx.graphql.errors import Forbidden, Refusal
from clinx.graphql.ids import key_or_name, number_of
from clinx.graphql.permissions import Permission
from clinx.graphql.users.whose import whose
from clinx.storage.search import Filter

LONGEST: Final = timedelta(days=92)
"""The longest time that one question is about."""
SUCCEEDED: Final = "ok"
"""The outcome of a call that did not fail."""
_LONGEST_TEXT: Final = 255
_CHANNEL: Final = "Channel"
_TOKEN: Final = "Token"  # noqa: S105  (the kind of an id)


@strawberry.input(description="Which request logs are wanted: those of a time.")
class RequestLogFilter:
    """All that is given must hold."""

    since: datetime
    until: datetime = strawberry.field(description=f"Not included; at most {LONGEST.days} days after `since`.")
    user: strawberry.ID | None = strawberry.field(default=None, description="Without it, those of whoever asks.")
    everyone: bool = strawberry.field(default=False, description="Those of all users, and of calls of nobody known.")
    token: strawberry.ID | None = None
    model: str | None = strawberry.field(default=None, description="The model that was served.")
    channel: str | None = strawberry.field(default=None, description="By its id or name; for operators.")
    group: str | None = None
    outcome: str | None = strawberry.field(default=None, description="`ok` or the code of a failure.")
    failed: bool = strawberry.field(default=False, description="Only those that failed.")
    request_id: str | None = None
    upstream_id: str | None = strawberry.field(default=None, description="For operators.")


@strawberry.input(description="Which request logs are followed.")
class RequestLogTailFilter:
    """All that is given must hold."""

    user: strawberry.ID | None = strawberry.field(default=None, description="Without it, those of whoever asks.")
    everyone: bool = strawberry.field(default=False, description="Those of all users, and of calls of nobody known.")
    token: strawberry.ID | None = None
    model: str | None = strawberry.field(default=None, description="The model that was served.")
    channel: str | None = strawberry.field(default=None, description="By its id or name; for operators.")
    group: str | None = None
    outcome: str | None = strawberry.field(default=None, description="`ok` or the code of a failure.")
    failed: bool = strawberry.field(default=False, description="Only those that failed.")


def wanted(context: Context, asked: RequestLogFilter) -> Filter:
    """Return what to look for.

    Raises:
        Forbidden: it is somebody else's, or by what only operators see.
        Problem: ``invalid_id``.
        Refusal: ``wrong_window``, ``window_too_long``, ``invalid_value``.
    """
    if asked.until <= asked.since:
        raise Refusal("The end is not after the beginning.", "wrong_window")
    if asked.until - asked.since > LONGEST:
        raise Refusal(f"Ask for at most {LONGEST.days} days.", "window_too_long", most=LONGEST.days)
    _check(context, asked.channel, asked.upstream_id)
    return Filter(
        since=asked.since,
        until=asked.until,
        user_id=_of(context, asked.user, everyone=asked.everyone),
        token_id=None if asked.token is None else number_of(asked.token, _TOKEN),
        model=_text(asked.model),
        channel=_channel(asked.channel),
        group=_text(asked.group),
        outcome=_text(asked.outcome),
        failed=asked.failed,
        id=_text(asked.request_id),
        upstream_id=_text(asked.upstream_id),
    )


class Matching:
    """Says of a log whether it is one of those that somebody follows."""

    def __init__(self, context: Context, asked: RequestLogTailFilter) -> None:
        """Take what is asked for.

        Raises:
            Forbidden: it is somebody else's, or by what only operators see.
            Problem: ``invalid_id``.
            Refusal: ``invalid_value``.
        """
        _check(context, asked.channel, None)
        token = None if asked.token is None else number_of(asked.token, _TOKEN)
        sought: dict[str, int | str | None] = {
            "user_id": _of(context, asked.user, everyone=asked.everyone),
            "token_id": token,
            "model": _text(asked.model),
            "channel": _channel(asked.channel),
            "group": _text(asked.group),
            "outcome": _text(asked.outcome),
        }
        self._sought = [(name, value) for name, value in sought.items() if value is not None]
        self._failed = asked.failed

    def __call__(self, log: RequestLog) -> bool:
        """Say so."""
        if self._failed and log.outcome == SUCCEEDED:
            return False
        return all(getattr(log, name) == value for name, value in self._sought)


def _of(context: Context, user: strawberry.ID | None, *, everyone: bool) -> int | None:
    """Return whose are wanted; None is everybody's."""
    if everyone and user is None:
        if not context.may(Permission.REQUEST_LOG_READ):
            raise Forbidden(Permission.REQUEST_LOG_READ)
        return None
    return whose(context, user, Permission.REQUEST_LOG_READ)


def _check(context: Context, *hidden: str | None) -> None:
    """Let nobody find out by asking what they are not shown."""
    if any(each is not None for each in hidden) and not context.may(Permission.REQUEST_LOG_READ):
        raise Forbidden(Permission.REQUEST_LOG_READ)


def _channel(value: str | None) -> str | None:
    name = _text(value)
    return None if name is None else key_or_name(name, _CHANNEL)


def _text(value: str | None) -> str | None:
    if value is not None and len(value) > _LONGEST_TEXT:
        raise Refusal(f"At most {_LONGEST_TEXT} characters.", "invalid_value", most=_LONGEST_TEXT)
    return value
