"""JSON lines on standard error: a constant event name and fields of the glossary.

A call such as ``log.info("exchange.finished", extra={"model": "gpt-4o"})`` becomes one object. Values are what the
caller put in ``extra``; nothing is interpolated into the name, so a line can be counted and searched by it. Events
with many fields come as ``extra={"fields": {…}}``: one attribute of the record instead of one for each.
"""

from __future__ import annotations

import asyncio
import logging
import sys
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
        return {key: _plain(value) for key, value in together.items() if value is not None}
    return {key: _plain(value) for key, value in vars(record).items() if key not in _STANDARD and value is not None}


_PLAIN = frozenset({bool, str, int, float, list, dict})


def _plain(value: object) -> object:
    """Keep what JSON knows; anything else, an Amount or an address, is written the way it shows itself."""
    return value if type(value) in _PLAIN else str(value)


def say(log: logging.Logger, event: str, fields: Mapping[str, object]) -> None:
    """Log an event of the hot path at INFO: the record is made by hand, past what the library does for `extra`."""
    if log.isEnabledFor(logging.INFO):
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
            "at": self._at(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()

    def _at(self, created: float) -> str:
        second = int(created)
        if second != self._second:
            self._second, self._written = second, datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._written}.{int(created * 1000) % 1000:03d}Z"


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
            self._lines.append(self.format(record))
            if record.levelno >= logging.WARNING or len(self._lines) >= MOST_LINES:
                self.flush()
            elif len(self._lines) == 1:
                self._soon()
        except (OSError, ValueError):
            self.handleError(record)

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
