"""Request logs as rows of a file: CSV for spreadsheets, JSONL for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from clinx.domain.request_log import RequestLog
from clinx.domain.usage import Unit
from clinx.graphql.ids import to_id
from clinx.graphql.request_logs.addresses import Format, written
from clinx.graphql.request_logs.types import KIND, millis

_DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula."""

Encode = Callable[[Sequence[RequestLog]], bytes]


def writer(format_: Format, *, everything: bool) -> tuple[bytes, Encode]:
    """Return the beginning of a file, and what writes logs into it: everything is for operators."""
    if format_ is Format.JSONL:
        return b"", lambda logs: b"".join(
            msgspec.json.encode(_told(log, everything=everything)) + b"\n" for log in logs
        )
    names = [*_CALLER, *(_OPERATOR if everything else ())]
    head = _csv([[*names, *(f"usage_{unit}" for unit in Unit)]])
    return head, lambda logs: _csv(_cells(log, names) for log in logs)


def _told(log: RequestLog, *, everything: bool) -> Mapping[str, Any]:
    names = [*_CALLER, *(_OPERATOR if everything else ())]
    told: dict[str, Any] = {name: _COLUMNS[name](log) for name in names}
    told["quote"] = log.quote
    told["usage"] = {unit.value: count for unit in Unit if (count := log.usage.count(unit))}
    if everything:
        told["attempts"] = log.attempts
    return told


def _cells(log: RequestLog, names: Sequence[str]) -> list[object]:
    found = [_cell(_COLUMNS[name](log)) for name in names]
    return [*found, *(log.usage.count(unit) or "" for unit in Unit)]


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}" if isinstance(value, str) and value.startswith(_DANGEROUS) else value


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


_COLUMNS: Final[Mapping[str, Callable[[RequestLog], object]]] = {
    "at": lambda log: written(log.at),
    "id": lambda log: to_id(KIND, log.id),
    "request_id": lambda log: log.id,
    "token": lambda log: None if log.token_id is None else to_id("Token", log.token_id),
    "group": lambda log: log.group,
    "model": lambda log: log.model,
    "asked_model": lambda log: log.asked_model,
    "operation": lambda log: log.operation,
    "dialect": lambda log: log.dialect,
    "outcome": lambda log: log.outcome,
    "status": lambda log: log.status,
    "stream": lambda log: log.stream,
    "milliseconds": lambda log: millis(log.seconds),
    "first_byte_milliseconds": lambda log: None if log.first_byte_seconds is None else millis(log.first_byte_seconds),
    "input_tokens": lambda log: log.usage.input_tokens,
    "output_tokens": lambda log: log.usage.output_tokens,
    "is_estimated": lambda log: log.usage.estimated,
    "charge": lambda log: str(log.charge),
    "quote": lambda log: "\n".join(log.quote),
    "user": lambda log: None if log.user_id is None else to_id("User", log.user_id),
    "revision": lambda log: log.revision,
    "channel": lambda log: log.channel,
    "upstream_model": lambda log: log.upstream_model,
    "upstream_id": lambda log: log.upstream_id,
    "address": lambda log: log.address,
    "refused_by": lambda log: log.refused_by,
}
_OPERATOR: Final = ("user", "revision", "channel", "upstream_model", "upstream_id", "address", "refused_by")
_CALLER: Final = tuple(name for name in _COLUMNS if name not in _OPERATOR)
