"""Thoughts that are written into a text between tags, and thoughts that are parts of their own: both ways.

    <think>hm</think>answer      text ──► TextToThoughts ──► Thinking("hm"), Text("answer")
                                 text ◄── ThoughtsToText ◄── Thinking("hm"), Text("answer")

Many servers leave the tags of their models in the text, and many clients know no other thoughts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Final

from msgspec import structs

from clinx.canonical.content import Citation, Part, Text, Thinking
from clinx.canonical.events import Event, PartDelta, PartEnded, PartStarted

OPEN: Final = "<think>"
CLOSE: Final = "</think>"

_BEFORE: Final = f"{OPEN}\n"
_BEHIND: Final = f"\n{CLOSE}\n"


class _Place(Enum):
    """Where in a text a reader is."""

    START = "start"
    """Nothing was said yet that is no white space."""
    THOUGHT = "thought"
    BETWEEN = "between"
    """The thought has ended, and the rest has not begun."""
    SAID = "said"


class TagReader:
    """Tells the thoughts that a text begins with from the rest of it, as it grows.

    White space around the tags belongs to neither. Tags anywhere else are text: models write about them.
    """

    __slots__ = ("_gap", "_half", "_has_thought", "_is_begun", "_place", "removed")

    def __init__(self, *, is_begun: bool = False) -> None:
        """Start before the text.

        Args:
            is_begun: the text begins inside a thought, whose first tag stood in the prompt; it may be there again.
        """
        self._is_begun = is_begun
        self._place = _Place.START
        self._gap: list[str] = []
        """White space that may yet belong to something."""
        self._half = ""
        """What may become a tag."""
        self._has_thought = False
        self.removed = 0
        """Characters that stood before the rest and are no part of it."""

    def feed(self, text: str) -> Sequence[Thinking | Text]:
        """Take more text; return pieces of thoughts and of the rest."""
        if self._place is _Place.SAID:
            return (Text(text),) if text else ()
        told: list[Thinking | Text] = []
        self.removed += len(text)
        work, self._half = self._half + text, ""
        if self._place is _Place.START:
            work = self._start(work, told)
        if self._place is _Place.THOUGHT:
            work = self._think(work, told)
        if self._place is _Place.BETWEEN and (work := work.lstrip()):
            self._say(work, told)
        return told

    def close(self) -> Sequence[Thinking | Text]:
        """Say that the text ended; return what was held back."""
        told: list[Thinking | Text] = []
        if self._place is _Place.THOUGHT or (self._is_begun and self._half):
            self._tell(self._half, told)
        elif self._place is _Place.START:
            self._say("".join(self._gap) + self._half, told)
        return told

    def _start(self, work: str, told: list[Thinking | Text]) -> str:
        """Look for the tag that begins a thought; return what stands behind it."""
        text = work.lstrip()
        self._gap.append(work[: len(work) - len(text)])
        if text.startswith(OPEN):
            self._place = _Place.THOUGHT
            self._gap.clear()
            return text.removeprefix(OPEN)
        if OPEN.startswith(text):
            self._half = text
        elif self._is_begun:
            self._place = _Place.THOUGHT
            self._gap.clear()
            return text
        else:
            self._say("".join(self._gap) + text, told)
        return ""

    def _think(self, work: str, told: list[Thinking | Text]) -> str:
        """Tell a thought up to the tag that ends it; return what stands behind that."""
        end = work.find(CLOSE)
        if end >= 0:
            self._tell(work[:end], told)
            self._place = _Place.BETWEEN
            return work[end + len(CLOSE) :]
        half = next((n for n in range(len(CLOSE) - 1, 0, -1) if work.endswith(CLOSE[:n])), 0)
        self._half = work[len(work) - half :]
        self._tell(work[: len(work) - half], told)
        return ""

    def _tell(self, thought: str, told: list[Thinking | Text]) -> None:
        """Tell a piece of a thought; white space at its end waits for what follows it."""
        if not self._has_thought:
            thought = thought.lstrip()
        text = thought.rstrip()
        if text:
            told.append(Thinking("".join(self._gap) + text))
            self._gap.clear()
            self._has_thought = True
        self._gap.append(thought[len(text) :])

    def _say(self, text: str, told: list[Thinking | Text]) -> None:
        self._place = _Place.SAID
        self.removed -= len(text)
        if text:
            told.append(Text(text))


class _Numbers:
    """Numbers the parts of each choice anew, where some come or go."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: dict[int, int] = {}

    def next(self, choice: int) -> int:
        self._last[choice] = self._last.get(choice, -1) + 1
        return self._last[choice]

    def renumbered(self, event: PartStarted | PartDelta | PartEnded) -> Event:
        """Return an event of a part that stays as it is."""
        index = self.next(event.choice) if isinstance(event, PartStarted) else self._last[event.choice]
        return event if index == event.index else structs.replace(event, index=index)


class ThoughtsToText:
    """Puts thoughts into the text, between tags, before what follows them; an `EventFilter`.

    A thought that shows no text is left out.
    """

    __slots__ = ("_has_begun", "_numbers")

    def __init__(self) -> None:
        """Start before the answer."""
        self._numbers = _Numbers()
        self._has_begun: dict[int, bool] = {}
        """Choices whose open part is a thought: whether any of it was told."""

    def feed(self, event: Event) -> Sequence[Event]:
        """Take one event."""
        if not isinstance(event, PartStarted | PartDelta | PartEnded):
            return (event,)
        if isinstance(event, PartStarted) and isinstance(event.part, Thinking):
            self._has_begun[event.choice] = False
            return self._think(event.part.text, event.choice)
        if event.choice not in self._has_begun:
            return (self._numbers.renumbered(event),)
        if isinstance(event, PartDelta):
            return self._think(event.text, event.choice)
        return self._end(event) if self._has_begun.pop(event.choice) else ()

    def close(self) -> Sequence[Event]:
        """Return nothing: a thought that began has ended."""
        return ()

    def _think(self, text: str, choice: int) -> Sequence[Event]:
        if not text:
            return ()
        if self._has_begun[choice]:
            return (self._numbers.renumbered(PartDelta(-1, text, choice)),)
        self._has_begun[choice] = True
        index = self._numbers.next(choice)
        return PartStarted(index, Text(""), choice), PartDelta(index, _BEFORE + text, choice)

    def _end(self, event: PartStarted | PartEnded) -> Sequence[Event]:
        ended = PartDelta(-1, _BEHIND, event.choice), event
        return [self._numbers.renumbered(each) for each in ended]


class TextToThoughts:
    """Takes the thoughts that texts begin with out of them; an `EventFilter`."""

    __slots__ = ("_begun", "_is_begun", "_numbers", "_open")

    def __init__(self, *, is_begun: bool = False) -> None:
        """Start before the answer.

        Args:
            is_begun: each choice begins inside a thought, if the first it says is a text.
        """
        self._numbers = _Numbers()
        self._is_begun = is_begun
        self._begun: set[int] = set()
        """Choices that have said something."""
        self._open: dict[int, _Opened] = {}
        """The text of each choice that is open."""

    def feed(self, event: Event) -> Sequence[Event]:
        """Take one event."""
        if not isinstance(event, PartStarted | PartDelta | PartEnded):
            return (event,)
        if isinstance(event, PartStarted):
            reader = TagReader(is_begun=self._is_begun and event.choice not in self._begun)
            self._begun.add(event.choice)
            if isinstance(event.part, Text):
                found = self._open[event.choice] = _Opened(event.part, event.choice, self._numbers, reader)
                return found.grow(PartDelta(event.index, event.part.text))
        found = self._open.get(event.choice)
        if found is None or (isinstance(event, PartDelta) and found.is_plain):
            return (self._numbers.renumbered(event),)
        if isinstance(event, PartDelta):
            return found.grow(event)
        del self._open[event.choice]
        return found.end()

    def close(self) -> Sequence[Event]:
        """Return nothing: a text that began has ended."""
        return ()


class _Opened:
    """A text that is open, and what it has been told as."""

    __slots__ = ("_beside", "_choice", "_empty", "_index", "_kind", "_numbers", "_reader")

    def __init__(self, part: Text, choice: int, numbers: _Numbers, reader: TagReader) -> None:
        self._reader = reader
        self._choice = choice
        self._numbers = numbers
        self._empty = structs.replace(part, text="")
        """What the rest of the text starts as."""
        self._index = -1
        self._kind: type[Part] | None = None
        """What is open of it."""
        self._beside: list[PartDelta] = []
        """What goes with the rest of the text, and waits for it."""

    @property
    def is_plain(self) -> bool:
        """Whether what is still to come stays as it is."""
        return self._kind is Text and not self._reader.removed

    def grow(self, delta: PartDelta) -> Sequence[Event]:
        told = [each for piece in self._reader.feed(delta.text) for each in self._tell(piece)]
        if delta.signature or delta.citations or delta.logprobs:
            self._beside.append(structs.replace(delta, text=""))
        return [*told, *self._flush()] if self._kind is Text else told

    def end(self) -> Sequence[Event]:
        told = [each for piece in self._reader.close() for each in self._tell(piece)]
        if self._kind is None or (self._beside and self._kind is Thinking):
            told.extend(self._begin(self._empty))
        return [*told, *self._flush(), *self._close()]

    def _tell(self, piece: Thinking | Text) -> Iterator[Event]:
        if type(piece) is not self._kind:
            yield from self._begin(self._empty if isinstance(piece, Text) else Thinking(""))
        yield PartDelta(self._index, piece.text, self._choice)

    def _begin(self, part: Part) -> Iterator[Event]:
        yield from self._close()
        self._kind, self._index = type(part), self._numbers.next(self._choice)
        yield PartStarted(self._index, part, self._choice)

    def _close(self) -> Sequence[Event]:
        return () if self._kind is None else (PartEnded(self._index, self._choice),)

    def _flush(self) -> Sequence[Event]:
        """Tell what goes with the text, once it has begun: places in it count from there."""
        beside, self._beside = self._beside, []
        removed = self._reader.removed
        return [
            structs.replace(
                each,
                index=self._index,
                choice=self._choice,
                citations=tuple(_moved(citation, removed) for citation in each.citations),
            )
            for each in beside
        ]


def _moved(citation: Citation, removed: int) -> Citation:
    if citation.start is None or citation.end is None or not removed:
        return citation
    start, end = max(citation.start - removed, 0), max(citation.end - removed, 0)
    return structs.replace(citation, start=start, end=end)
