"""Undoing ``Content-Encoding``, for servers that compress although we ask them not to.

A few bytes may stand for gigabytes: what comes out is bounded at every step, and is only made when it is asked for.
"""

from __future__ import annotations

import zlib
from typing import Final

from clinx.upstream.head import Malformed

STEP: Final = 256 << 10
"""Most bytes made at once."""

_GZIP: Final = 16 + zlib.MAX_WBITS
_DEFLATE_METHOD: Final = 8
"""Low four bits of the first byte of a zlib stream; some servers send a bare deflate stream without it."""

_DECODED: Final = frozenset({"gzip", "x-gzip", "deflate"})
_NOT_DECODED: Final = frozenset({"br", "zstd", "compress", "x-compress"})


def inflater(encoding: str) -> Inflater | None:
    """Return what undoes an encoding, or None when there is nothing to undo.

    Raises:
        Malformed: an encoding that is known and not understood.
    """
    name = encoding.strip().lower()
    if name in _NOT_DECODED:
        raise Malformed("content encoding not understood")
    return Inflater(is_gzip=name != "deflate") if name in _DECODED else None


class Inflater:
    """Undoes gzip or deflate."""

    __slots__ = ("_has_begun", "_input", "_is_full", "_is_gzip", "_stream")

    def __init__(self, *, is_gzip: bool) -> None:
        """Expect a stream of one kind."""
        self._is_gzip = is_gzip
        self._stream = zlib.decompressobj(_GZIP)
        self._has_begun = False
        self._input = b""
        self._is_full = False

    @property
    def held(self) -> int:
        """Bytes fed that nothing has been made of yet."""
        return len(self._input)

    def feed(self, data: bytes) -> None:
        """Take compressed bytes."""
        self._input += data

    def take(self) -> bytes:
        """Make at most `STEP` bytes; empty when more input is needed.

        Raises:
            Malformed: not a stream of this kind.
        """
        made = b""
        try:
            while (self._input or self._is_full) and not made:
                made = self._make()
        except zlib.error:
            raise Malformed("not decodable") from None
        return made

    def finish(self) -> None:
        """Say that no more is to come; nothing may be left to take.

        Raises:
            Malformed: the stream is cut short.
        """
        if self._has_begun and not self._stream.eof:
            raise Malformed("compressed body cut short")

    def _make(self) -> bytes:
        if not self._has_begun or (self._stream.eof and self._input):
            # There may be several streams in a row; bytes that begin none fail right here.
            self._stream = zlib.decompressobj(self._window())
            self._has_begun = True
        stream = self._stream
        made = stream.decompress(self._input, STEP)
        self._input = stream.unconsumed_tail or stream.unused_data
        # The library may have read everything and still hold what did not fit.
        self._is_full = len(made) == STEP
        return made

    def _window(self) -> int:
        if self._is_gzip:
            return _GZIP
        return zlib.MAX_WBITS if self._input[0] & 0x0F == _DEFLATE_METHOD else -zlib.MAX_WBITS
