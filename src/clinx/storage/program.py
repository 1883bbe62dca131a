"""A transaction as a value: a generator that yields steps and is sent their results.

The SQL and the order of statements have one home, whatever runs them: SQLite drives a program on its own thread
without a hop per statement, PostgreSQL drives it on one pooled connection. A program is sans-I/O: it may decide
between its steps, and must not wait for anything else. Compose programs with ``yield from``.

SQL is written for PostgreSQL, and `for_sqlite` is the whole difference: placeholders ``$1``, lists as JSON arrays of
rows read by ``json_array_elements($1)`` with ``value ->> 0``, and a ``FOR UPDATE`` clause, last, where rows are read in
order to be changed (SQLite needs none: its transactions begin with the one write lock).
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeVar

from clinx.storage.codec import encode_json
from clinx.storage.failures import StorageRefused

T = TypeVar("T")

Value = str | int | float | bool | None
"""What a column may hold. (Durations in the request log are the only floats.)"""

Row = Sequence[Any]


class Kind(Enum):
    """What a step brings back."""

    FETCH = "fetch"
    """The rows."""
    EXECUTE = "execute"
    """The number of rows changed."""
    EXECUTE_MANY = "execute_many"
    """Nothing: one statement for many rows of values."""


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of a program."""

    kind: Kind
    sql: str
    values: Sequence[Any]
    """The values of the statement, or for `Kind.EXECUTE_MANY` a sequence of them."""


Program = Generator[Step, Any, T]


def fetch(sql: str, *values: Value) -> Program[list[Row]]:
    """Read rows."""
    return (yield Step(Kind.FETCH, sql, values))


def execute(sql: str, *values: Value) -> Program[int]:
    """Change rows; return how many."""
    return (yield Step(Kind.EXECUTE, sql, values))


def execute_many(sql: str, rows: Sequence[Sequence[Value]]) -> Program[None]:
    """Run one statement for each row of values; nothing at all for no rows."""
    if rows:
        yield Step(Kind.EXECUTE_MANY, sql, rows)


def json_rows(rows: Iterable[Sequence[Value]]) -> str:
    """Write rows as the JSON array that ``json_array_elements`` reads: ``value ->> 0`` is a row's first column.

    Raises:
        StorageRefused: text that is not UTF-8.
    """
    try:
        return encode_json(list(rows))
    except UnicodeEncodeError as error:
        raise StorageRefused(str(error)) from error


_PLACEHOLDER: Final = re.compile(r"\$(\d+)")
_LOCKING: Final = re.compile(r"\s+FOR UPDATE(?: OF \w+)?(?: SKIP LOCKED)?\s*$")


def for_sqlite(sql: str) -> str:
    """Translate the little that differs."""
    text = _LOCKING.sub("", sql).replace("json_array_elements(", "json_each(")
    return _PLACEHOLDER.sub(r"?\1", text)
