"""The head of an answer: split off from the bytes that come, and read strictly.

The grammar is llhttp's in its strict mode. On top of it nothing is left open that two readers could understand
differently: a transfer coding other than ``chunked``, a switched protocol, and a head without bound are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, NamedTuple

import httptools
from multidict import CIMultiDict

LONGEST_HEAD: Final = 64 << 10
"""Bytes of all heads of one answer together, interim ones included."""

LONGEST_LINE: Final = 16 << 10
MOST_HEADERS: Final = 128

_PREFIX: Final = b"HTTP/1."
_END: Final = b"\r\n\r\n"
_BODILESS: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class Malformed(Exception):
    """The answer breaks HTTP. The text says how, and quotes nothing of what came."""


class Head(NamedTuple):
    """Status line and headers."""

    status: int
    headers: Mapping[str, str]
    """Case-insensitive."""
    length: int | None
    """Bytes of the body; None when its end shows itself."""
    chunked: bool
    keeps: bool
    """Whether the connection may carry another exchange after this body."""


class HeadReader:
    """Collects bytes until the head of the final answer is complete."""

    __slots__ = ("_held", "_spent")

    def __init__(self) -> None:
        """Start with nothing."""
        self._held = b""
        self._spent = 0

    def feed(self, data: bytes) -> tuple[Head, bytes] | None:
        """Take what came; return the head and what follows it, or None while it is incomplete.

        Raises:
            Malformed: no head of an answer, or one beyond the limits.
        """
        start = max(0, len(self._held) - len(_END) + 1)
        has_line = b"\n" in data
        data = self._held + data if self._held else data
        while (end := data.find(_END, start) + len(_END)) >= len(_END):
            self._spent += end
            self._check_size()
            head = _read(data[:end])
            data, start = data[end:], 0
            if head.status >= HTTPStatus.OK:
                return head, data
        self._held = data
        self._check_size(len(data) - len(_END) + 1)
        if not _PREFIX.startswith(data[: len(_PREFIX)]):
            raise Malformed("not HTTP/1")
        if has_line and data.count(b"\n") != data.count(b"\r\n"):
            # It may never end: its empty line need not be one in our sense.
            raise Malformed("line without CR")
        return None

    def _check_size(self, unfinished: int = 0) -> None:
        if self._spent + unfinished > LONGEST_HEAD:
            raise Malformed("head too long")


class _Fields:
    """What the parser reports."""

    __slots__ = ("pairs",)

    def __init__(self) -> None:
        self.pairs: list[tuple[str, str]] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.pairs.append((name.decode("ascii"), value.decode("utf-8", "surrogateescape").rstrip(" \t")))


def _read(data: bytes) -> Head:
    if not data.startswith(_PREFIX) or b"\0" in data:
        raise Malformed("not HTTP/1")
    if len(data) > LONGEST_LINE and max(map(len, data.split(b"\r\n"))) > LONGEST_LINE:
        raise Malformed("header line too long")
    fields = _Fields()
    parser = httptools.HttpResponseParser(fields)
    try:
        parser.feed_data(data)
    except httptools.HttpParserError as error:
        raise Malformed(str(error)) from None
    except httptools.HttpParserUpgrade:
        raise Malformed("switches protocols") from None
    if len(fields.pairs) > MOST_HEADERS:
        raise Malformed("too many headers")
    return _interpret(parser.get_status_code(), is_old=data.startswith(b"HTTP/1.0"), headers=CIMultiDict(fields.pairs))


def _interpret(status: int, headers: CIMultiDict[str], *, is_old: bool) -> Head:
    """Say what the headers mean for what follows them."""
    length = headers.get("Content-Length")
    coding = headers.get("Transfer-Encoding")
    if status < HTTPStatus.OK and (length or coding):
        raise Malformed("interim answer with a body")
    if coding is not None and (coding.lower() != "chunked" or is_old or len(headers.getall("Transfer-Encoding")) > 1):
        raise Malformed("transfer coding other than chunked")
    size = 0 if status in _BODILESS else int(length) if length is not None else None
    chunked = coding is not None and size is None
    ends = size is None and not chunked
    return Head(status, headers, size, chunked, not (is_old or ends or _says_close(headers)))


def _says_close(headers: CIMultiDict[str]) -> bool:
    return "Connection" in headers and any("close" in value.lower() for value in headers.getall("Connection"))
