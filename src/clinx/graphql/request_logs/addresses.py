"""Where exports of request logs are fetched: what is wanted, as a path, and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlencode

import strawberry

from clinx.graphql.errors import Refusal
from clinx.graphql.request_logs.wanted import RequestLogFilter

EXPORT: Final = "/api/export/request-logs"
"""The route of exports."""

_INSTANTS: Final = ("since", "until")
_FLAGS: Final = ("everyone", "failed")
_IDS: Final = ("user", "token")
_TEXTS: Final = ("model", "channel", "group", "outcome", "request_id", "upstream_id")
_KNOWN: Final = frozenset({"format", *_INSTANTS, *_FLAGS, *_IDS, *_TEXTS})
_YES: Final = "true"
_NO: Final = "false"


class Format(StrEnum):
    """How an export is written."""

    CSV = "csv"
    JSONL = "jsonl"


def export_path(asked: RequestLogFilter, format_: Format) -> str:
    """Return the path at which what is asked for is exported."""
    given: dict[str, str] = {"format": format_.value}
    for name in _INSTANTS:
        given[name] = written(getattr(asked, name))
    for name in (*_IDS, *_TEXTS):
        if (value := getattr(asked, name)) is not None:
            given[name] = str(value)
    given |= {name: _YES for name in _FLAGS if getattr(asked, name)}
    return f"{EXPORT}?{urlencode(given)}"


def read(query: Mapping[str, str]) -> tuple[RequestLogFilter, Format]:
    """Return what the query of such a path asks for.

    Raises:
        Refusal: ``invalid_value``: with the name of what cannot be read, and the form that is wanted.
    """
    if strange := sorted(query.keys() - _KNOWN):
        raise Refusal(f"{strange[0]} is not known here: {', '.join(sorted(_KNOWN))}.", "invalid_value", name=strange[0])
    try:
        format_ = Format(query.get("format", Format.CSV))
    except ValueError:
        raise _unreadable("format", f"one of {', '.join(Format)}", Format.CSV) from None
    given: dict[str, Any] = {name: query[name] for name in _TEXTS if name in query}
    given |= {name: strawberry.ID(query[name]) for name in _IDS if name in query}
    given |= {name: _flag(name, query[name]) for name in _FLAGS if name in query}
    given |= {name: _instant(name, query.get(name, "")) for name in _INSTANTS}
    return RequestLogFilter(**given), format_


def _flag(name: str, value: str) -> bool:
    if value not in {_YES, _NO}:
        raise _unreadable(name, f"{_YES} or {_NO}", _YES)
    return value == _YES


def _instant(name: str, value: str) -> datetime:
    try:
        found = datetime.fromisoformat(value)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise _unreadable(name, "an instant with its zone", "2026-01-31T09:30:00Z")


def written(at: datetime) -> str:
    """Return an instant as text, in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _unreadable(name: str, wanted: str, such_as: str) -> Refusal:
    said = f"{name} is to be {wanted}, such as {such_as}."
    return Refusal(said, "invalid_value", name=name, such_as=str(such_as))
