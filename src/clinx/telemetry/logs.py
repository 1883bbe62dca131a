"""JSON lines on standard error: a constant event name and fields of the glossary.

A call such as ``log.info("exchange.finished", extra={"model": "gpt-4o"})`` becomes one object. Values are what the
caller put in ``extra``; nothing is interpolated into the name, so a line can be counted and searched by it. Events
with many fields come as ``extra={"fields": {…}}``: one attribute of the record instead of one for each.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

LATEST = 0.1
"""Seconds a line may wait."""
MOST_LINES = 256
"""Lines that may wait."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    together: Mapping[str, object] | None = vars(record).get("fields")
    if together is not None:
        return _together(together)
    return {key: _plain(value) for key, value in vars(record).items() if key not in _STANDARD and value is not None}


_PLAIN = frozenset({bool, str, int, float, list, dict})


def _plain(value: object) -> object:
    """Keep what JSON knows; anything else, an Amount or an address, is written the way it shows itself."""
    return value if type(value) in _PLAIN else str(value)


def _together(fields: Mapping[str, object]) -> dict[str, object]:
    # As `_plain`, without a call for each of them.
    return {key: value if type(value) in _PLAIN else str(value) for key, value in fields.items() if value is not None}


def say(log: logging.Logger, event: str, fields: Mapping[str, object]) -> None:
    """Log an event of the hot path at INFO, past what the library does for `extra`.

    Where nobody but our own handler listens, there is no record at all: making one, and offering it around, takes
    longer than writing the line.
    """
    if log.isEnabledFor(logging.INFO):
        listeners = log.root.handlers
        if len(listeners) == 1 and type(only := listeners[0]) is LineWriter and only.hears_all_of(log):
            only.write(log.name, event, fields)
            return
        record = logging.LogRecord(log.name, logging.INFO, "", 0, event, None, None)
        vars(record)["fields"] = fields
        log.handle(record)


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def __init__(self) -> None:
        """Remember the second that was written last: most lines share it with the one before."""
        super().__init__()
        self._second = 0
        self._written = ""

    def format(self, record: logging.LogRecord) -> str:
        """Write time, level, logger and event first, then the event's own fields."""
        line: dict[str, Any] = {
            "at": self._at(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()

    def line(self, logger: str, event: str, fields: Mapping[str, object], milliseconds: int) -> str:
        """Write an event at INFO as `format` does, at an instant in milliseconds since 1970."""
        line = {"at": self._at(milliseconds), "level": "info", "logger": logger, "event": event, **_together(fields)}
        return msgspec.json.encode(line, enc_hook=str).decode()

    def _at(self, milliseconds: int) -> str:
        second, rest = divmod(milliseconds, 1000)
        if second != self._second:
            self._second, self._written = second, datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._written}.{rest:03d}Z"


class LineWriter(logging.Handler):
    """Writes lines in batches: one system call for many, at most `LATEST` seconds late; warnings at once.

    Without a running event loop (a command, the start of the process) every line is written at once.
    """

    def __init__(self, stream: TextIO) -> None:
        """Take the stream; it stays open."""
        super().__init__()
        self._stream = stream
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line, and see to it that it is written."""
        try:
            self._take(self.format(record), is_urgent=record.levelno >= logging.WARNING)
        except (OSError, ValueError):
            self.handleError(record)

    def hears_all_of(self, log: logging.Logger) -> bool:
        """Whether a logger's events come here as they are, as JSON, if the root has no other handler."""
        if self.filters or type(self.formatter) is not JsonFormatter:
            return False
        each = log
        while (above := each.parent) is not None:
            if each.handlers or each.filters or not each.propagate:
                return False
            each = above
        return True

    def write(self, logger: str, event: str, fields: Mapping[str, object]) -> None:
        """Take an event at INFO of a logger of which this hears all. What cannot be written is dropped."""
        formatter = self.formatter
        if isinstance(formatter, JsonFormatter):
            try:
                self._take(formatter.line(logger, event, fields, time.time_ns() // 1_000_000), is_urgent=False)
            except (OSError, ValueError):
                return

    def _take(self, line: str, *, is_urgent: bool) -> None:
        with self.lock or nullcontext():
            self._lines.append(line)
            waiting = len(self._lines)
        if is_urgent or waiting >= MOST_LINES:
            self.flush()
        elif waiting == 1:
            self._soon()

    def flush(self) -> None:
        """Write what is waiting."""
        with self.lock or nullcontext():
            lines, self._lines = self._lines, []
            if lines:
                self._stream.write("\n".join(lines) + "\n")
                self._stream.flush()

    def _soon(self) -> None:
        try:
            asyncio.get_running_loop().call_later(LATEST, self.flush)
        except RuntimeError:
            self.flush()


class TextFormatter(logging.Formatter):
    """The same for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the clock time, the event and its fields as ``key=value``."""
        moment = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S")
        fields = " ".join(f"{key}={value}" for key, value in _fields(record).items())
        line = f"{moment} {record.levelname.lower():7} {record.getMessage()} {fields}".rstrip()
        if record.exc_info and record.exc_info[0] is not None:
            line += "\n" + self.formatException(record.exc_info)
        return line


def configure(*, style: str, level: str, stream: TextIO | None = None) -> None:
    """Send every logger of the process to one handler; libraries only from warning upwards."""
    handler = LineWriter(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    # What no line shows need not be looked up for every record: the caller's stack, threads, processes and tasks.
    logging._srcfile = None  # noqa: SLF001  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]  (documented)
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("clinx").setLevel(level.upper())
    # aiohttp's access log repeats what our one event per exchange says, without our fields.
    logging.getLogger("aiohttp.access").setLevel(logging.CRITICAL)
    logging.captureWarnings(True)
