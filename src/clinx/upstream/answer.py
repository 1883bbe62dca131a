"""One answer, made of the bytes that come: its head, then its body. No socket in here."""

from __future__ import annotations

from clinx.upstream.body import Framing, framing
from clinx.upstream.head import Head, HeadReader, Malformed
from clinx.upstream.inflate import Inflater, inflater


class Answer:
    """Fed what comes from the wire; gives what has arrived of the body.

    A failure never takes back what arrived before it: `take` gives that first.
    """

    __slots__ = (
        "_body",
        "_inflater",
        "_pieces",
        "_reader",
        "began",
        "complete",
        "failure",
        "head",
        "unseen",
        "waiting",
    )

    def __init__(self) -> None:
        """Expect a head."""
        self._reader = HeadReader()
        self._body: Framing | None = None
        self._inflater: Inflater | None = None
        self._pieces: list[bytes] = []
        self.head: Head | None = None
        """None until it is there."""
        self.began = False
        """A byte has come."""
        self.complete = False
        """Everything has arrived, down to the end."""
        self.failure: str | None = None
        """What broke it."""
        self.unseen = False
        """Whether the connection ended, and nothing of the request is known to have been seen by then."""
        self.waiting = 0
        """Bytes that have arrived and wait to be taken, about."""

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry another exchange: the answer is whole, and nothing came after it."""
        head, body = self.head, self._body
        return self.complete and head is not None and head.keeps and body is not None and not body.surplus

    @property
    def has_data(self) -> bool:
        """Whether something of the body has arrived and not been taken."""
        return bool(self._pieces)

    def feed(self, data: bytes) -> None:
        """Take what came; after a failure or the end nothing more is fed."""
        self.began = True
        try:
            self._feed(data)
        except Malformed as error:
            self.failure = str(error)

    def end(self, reason: str | None) -> None:
        """Say that the connection is gone: closed in good order (None), or for a reason."""
        if self.complete or self.failure is not None:
            return
        if reason is None and self._body is not None and self._body.ends_with_connection():
            self.complete = True
        else:
            self.failure = reason or "cut short"

    def take(self) -> bytes | None:
        """Return what has arrived of the body, decoded; empty at its end, None when more has to come first.

        Raises:
            Malformed: the body is broken, and everything before that has been taken.
        """
        data = b""
        if self._pieces:
            data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
            self._pieces.clear()
        self.waiting = 0
        if self._inflater is not None:
            data = self._inflated(self._inflater, data)
        if data:
            return data
        if self.failure is not None:
            raise Malformed(self.failure)
        return b"" if self.complete else None

    def _feed(self, data: bytes) -> None:
        body = self._body
        if body is None:
            found = self._reader.feed(data)
            if found is None:
                return
            self.head, data = found
            body = self._body = framing(self.head)
            if encoding := self.head.headers.get("Content-Encoding"):
                self._inflater = inflater(encoding)
        if data:
            self.waiting += len(data)
            body.feed(data, self._pieces)
        self.complete = body.done

    def _inflated(self, stream: Inflater, data: bytes) -> bytes:
        stream.feed(data)
        made = stream.take()
        self.waiting = stream.held
        if not made and self.complete:
            stream.finish()
        return made
