"""Reports in answers and in streams of them; what a report itself says is read in `clinx.dialects.google.usage`.

Searches are told of beside the usage, where a candidate says what it rests on.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import structs

from clinx.dialects import lenient
from clinx.dialects.counts import MAX_COUNT, larger
from clinx.dialects.google.usage import read_usage
from clinx.dialects.lenient import mapping, sequence
from clinx.domain.usage import Usage

_MOST_SEARCHES: Final = 100
"""Of one candidate; nobody is charged for more."""


_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNT)] | None


class Counts(msgspec.Struct, rename="camel", gc=False):
    """The wholes of a report, and nothing of what they are made of: enough to see that a stream goes on."""

    prompt_token_count: _Count = None
    tool_use_prompt_token_count: _Count = None
    candidates_token_count: _Count = None
    thoughts_token_count: _Count = None
    total_token_count: _Count = None


class _Reported(msgspec.Struct, rename="camel"):
    usage_metadata: object = None


_REPORTED: Final = msgspec.json.Decoder(_Reported)


class Reports:
    """What a stream reports, again and again: a report is read when it is asked for, or when less follows it."""

    __slots__ = ("_prompt", "_searches", "_unread", "_usage", "made")

    def __init__(self) -> None:
        """Begin without any."""
        self._prompt = 0
        self.made = 0
        """The most tokens of an answer that a report told of."""
        self._unread = b""
        """The JSON text of the chunk with the last report."""
        self._usage: Usage | None = None
        self._searches: dict[int, int] = {}
        """By candidate."""

    @property
    def usage(self) -> Usage | None:
        """What the reports come to."""
        self._read()
        return with_searches(self._usage, sum(self._searches.values()))

    def take(self, counts: Counts, chunk: bytes) -> None:
        """Take the report in a chunk, whose wholes are already known."""
        # As `_wholes` does it, for this is done for every chunk.
        prompt = (counts.prompt_token_count or 0) + (counts.tool_use_prompt_token_count or 0)
        answer = (counts.candidates_token_count or 0) + (counts.thoughts_token_count or 0)
        rest = (counts.total_token_count or 0) - prompt
        if rest > answer:  # noqa: PLR1730  (a call of `max` costs as much as all of this)
            answer = rest
        if prompt > MAX_COUNT or answer > MAX_COUNT:
            return
        if prompt < self._prompt or answer < self.made:
            self._read()
            prompt, answer = max(prompt, self._prompt), max(answer, self.made)
        self._prompt, self.made, self._unread = prompt, answer, chunk

    def grounded(self, candidate: int, grounding: object) -> None:
        """Take what a candidate says it rests on; it may say so again, and more."""
        self._searches[candidate] = max(self._searches.get(candidate, 0), searches_in(grounding))

    def _read(self) -> None:
        if self._unread:
            self._usage = larger(self._usage, read_usage_in(self._unread))
            self._unread = b""


def read_usage_in(answer: bytes) -> Usage | None:
    """Read the report in an answer that could be read; as `read_usage`."""
    try:
        return read_usage(lenient.decode_as(_REPORTED, answer).usage_metadata)
    except ValueError:  # It nests so deeply that it could only just be read.
        return None


def searches_in(grounding: object) -> int:
    """Count the searches that an answer rests on: the queries it says were made."""
    queries = sequence(mapping(grounding).get("webSearchQueries"))
    return min(len(queries), _MOST_SEARCHES)


def with_searches(usage: Usage | None, searches: int) -> Usage | None:
    """Return a report with what it leaves out."""
    return structs.replace(usage, search=searches) if usage is not None and searches else usage
