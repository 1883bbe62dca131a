"""Request logs as rows of a file: CSV for spreadsheets, JSONL for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from clinx.domain.figures import exact
from clinx.domain.money import Amount
from clinx.domain.receipt import Receipt
from clinx.domain.request_log import RequestLog
from clinx.domain.usage import Unit
from clinx.graphql.ids import to_id
from clinx.graphql.permissions import Permission
from clinx.graphql.request_logs.addresses import Format, written
from clinx.graphql.request_logs.types import KIND, millis

_DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula."""

Encode = Callable[[Sequence[RequestLog]], bytes]


def shown(may: Callable[[Permission], bool]) -> list[str]:
    """Return the names of what somebody may see of a log."""
    hidden = {name for permission, names in _HIDDEN.items() if not may(permission) for name in names}
    return [name for name in (*_COLUMNS, _ATTEMPTS) if name not in hidden]


def writer(format_: Format, names: Sequence[str]) -> tuple[bytes, Encode]:
    """Return the beginning of a file, and what writes into it what is named of logs."""
    if format_ is Format.JSONL:
        return b"", lambda logs: b"".join(msgspec.json.encode(_told(log, names)) + b"\n" for log in logs)
    columns = [name for name in names if name != _ATTEMPTS]  # A cell cannot hold them.
    head = _csv([[*columns, *(f"usage_{unit}" for unit in Unit)]])
    return head, lambda logs: _csv(_cells(log, columns) for log in logs)


def _told(log: RequestLog, names: Sequence[str]) -> Mapping[str, Any]:
    told: dict[str, Any] = {name: _value(_COLUMNS[name](log)) for name in names if name != _ATTEMPTS}
    told["quote"] = None if (receipt := log.receipt) is None else _quoted(receipt)
    told["usage"] = {unit.value: count for unit in Unit if (count := log.usage.count(unit))}
    if _ATTEMPTS in names:
        told[_ATTEMPTS] = log.attempts
    return told


def _quoted(receipt: Receipt) -> Mapping[str, Any]:
    """Return lines and factors; amounts are for ``per`` of the unit, and exact."""
    lines = [
        {"unit": each.unit, "count": each.count, "listed": exact(each.rate.amount), "per": each.rate.per}
        for each in receipt.lines
    ]
    factors = [{"factor": exact(each.factor), "group": each.group, "rule": each.rule} for each in receipt.factors]
    whole = {"is_whole": receipt.is_whole, "notes": receipt.notes}
    return {"lines": lines, "factors": factors, "total": str(receipt.total), **whole}


def _value(value: object) -> object:
    return str(value) if isinstance(value, Amount) else value


def _cells(log: RequestLog, names: Sequence[str]) -> list[object]:
    found = [_cell(_COLUMNS[name](log)) for name in names]
    return [*found, *(log.usage.count(unit) or "" for unit in Unit)]


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Amount):  # A loss begins with a sign, and is a number.
        return str(value)
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
    "charge": lambda log: log.charge,
    "quote": lambda log: "\n".join(log.quote),
    "user": lambda log: None if log.user_id is None else to_id("User", log.user_id),
    "revision": lambda log: log.revision,
    "channel": lambda log: log.channel,
    "upstream_model": lambda log: log.upstream_model,
    "upstream_id": lambda log: log.upstream_id,
    "address": lambda log: log.address,
    "refused_by": lambda log: log.refused_by,
    "cost": lambda log: log.cost,
    "margin": lambda log: log.margin,
}
_ATTEMPTS: Final = "attempts"
_HIDDEN: Final[Mapping[Permission, tuple[str, ...]]] = {
    Permission.REQUEST_LOG_READ: (
        *("user", "revision", "channel", "upstream_model", "upstream_id", "address", "refused_by", _ATTEMPTS),
    ),
    Permission.COST_READ: ("cost", "margin"),
}
