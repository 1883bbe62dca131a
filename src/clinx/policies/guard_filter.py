"""Rules over an answer: its text, refusals, thoughts, transcripts and the arguments of its calls.

Each part is looked at by itself, that which only one vendor understands too. Names of functions, pictures and sound are
not.
What is said beside a text must not give it away: quotes are looked at, and the tokens of logprobs are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from msgspec import Raw, structs

from clinx.canonical.content import (
    Audio,
    Citation,
    File,
    Image,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
)
from clinx.canonical.events import (
    Event,
    Failed,
    Finished,
    PartDelta,
    PartEnded,
    PartStarted,
    Started,
    UsageReported,
)
from clinx.dialects.body import JsonBody
from clinx.errors import InvalidRequest, UpstreamBroken
from clinx.policies.guard import GuardAction, GuardRule, Report
from clinx.policies.guard_body import screen_answer
from clinx.policies.guard_json import JsonScreen, screened_json
from clinx.policies.guard_text import Screen, TextScreen, screened


class GuardFilter:
    """Rules over one answer; an `EventFilter`. What it holds back is what may still become part of a match."""

    __slots__ = ("_only_flags", "_report", "_rules", "_screens")

    def __init__(self, rules: Sequence[GuardRule], report: Report) -> None:
        """Start before the first event."""
        self._rules = rules
        self._report = report
        self._only_flags = all(rule.action is GuardAction.FLAG for rule in rules)
        self._screens: dict[tuple[int, int], Screen] = {}
        """Of the parts that are open, by choice and index."""

    def feed(self, event: Event) -> Sequence[Event]:
        """Take one event; return what comes of it now.

        Raises:
            PolicyRefused: a rule blocks the answer.
        """
        match event:
            case PartStarted():
                return (self._start(event),)
            case PartDelta():
                return self._grow(event)
            case PartEnded():
                return self._end(event)
            case Started() | UsageReported() | Finished() | Failed():
                return (event,)
            case _:
                assert_never(event)

    def close(self) -> Sequence[Event]:
        """Say that the answer ended. Nothing is left: parts end before it does."""
        return ()

    def _start(self, event: PartStarted) -> Event:
        if isinstance(event.part, Unknown):
            return structs.replace(event, part=self._of_vendor(event.part))
        screen = self._screen(event.part)
        if screen is None:
            return event
        self._screens[event.choice, event.index] = screen
        part = event.part
        if isinstance(part, Text) and (part.citations or part.logprobs):
            told = part.logprobs if self._only_flags else ()
            part = structs.replace(part, citations=tuple(map(self._cited, part.citations)), logprobs=told)
        return structs.replace(event, part=_begun(part, screen))

    def _of_vendor(self, part: Unknown) -> Unknown:
        """Look at all that a part says which only its vendor understands."""
        try:
            found = screen_answer(JsonBody.parse(b'{"part":%b}' % bytes(part.payload)), self._rules)
        except InvalidRequest as error:
            raise UpstreamBroken("The upstream's answer cannot be looked at, as a rule demands.") from error
        for rule, count in found.hits.items():
            self._report(rule, count)
        if found.refusal is not None:
            raise found.refusal
        changed = found.changes.get("part")
        return part if changed is None else structs.replace(part, payload=Raw(changed))

    def _grow(self, event: PartDelta) -> Sequence[Event]:
        screen = self._screens.get((event.choice, event.index))
        if screen is None:
            return (event,)
        grown = structs.replace(
            event,
            text=screen.feed(event.text) if event.text else "",
            citations=tuple(map(self._cited, event.citations)),
            logprobs=event.logprobs if self._only_flags else (),
        )
        says_something = grown.text or grown.signature or grown.data or grown.citations or grown.logprobs
        return (grown,) if says_something else ()

    def _cited(self, citation: Citation) -> Citation:
        """Look at what a citation says; the vendor's own words for it are left out where it says something else."""
        title, quote = (text and screened(text, self._rules, self._report) for text in (citation.title, citation.quote))
        native = citation.native
        if native is not None and not self._may_tell(native.payload):
            native = None
        return structs.replace(citation, title=title, quote=quote, native=native)

    def _may_tell(self, payload: Raw) -> bool:
        text = bytes(payload).decode("utf-8", "replace")
        return screened_json(text, self._rules, _unheard) == text

    def _end(self, event: PartEnded) -> Sequence[Event]:
        screen = self._screens.pop((event.choice, event.index), None)
        rest = screen.close() if screen is not None else ""
        return (PartDelta(event.index, rest, event.choice), event) if rest else (event,)

    def _screen(self, part: Part) -> Screen | None:
        match part:
            case Text() | Refusal() | Thinking() | Audio():
                return TextScreen(self._rules, self._report)
            case ToolCall():
                return JsonScreen(self._rules, self._report)
            case Image() | File() | ToolResult() | Unknown():
                return None
            case _:
                assert_never(part)


def _unheard(rule: GuardRule, count: int) -> None:
    """Say nothing of what was found once already."""
    del rule, count


def _begun(part: Part, screen: Screen) -> Part:
    """Return what of a part's beginning may be shown."""
    match part:
        case Text() | Refusal() | Thinking() if part.text:
            return structs.replace(part, text=screen.feed(part.text))
        case Audio() if part.transcript:
            return structs.replace(part, transcript=screen.feed(part.transcript))
        case ToolCall() if part.arguments:
            return structs.replace(part, arguments=screen.feed(part.arguments))
        case _:
            return part
