"""Rules over a request, in whatever format it came, or over a kept answer: texts are found in the JSON itself.

Only strings that something was masked in are written anew; every other byte stays. What is looked at: all strings of
the members that make up a prompt, but for the names, identifiers and addresses among them, and media. Where any JSON
may stand (the input of a call, the result of a function) everything is looked at, names of members too; of a schema
only the descriptions. Of an answer all members are looked at but those that repeat its request.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import islice
from operator import attrgetter
from typing import Final

from msgspec import Struct, structs

from clinx.dialects.body import JsonBody
from clinx.errors import InvalidRequest, PolicyRefused
from clinx.policies.guard import GuardAction, GuardRule
from clinx.policies.guard_batch import concerned
from clinx.policies.guard_json import texts_of
from clinx.policies.guard_media import KINDS, read_media
from clinx.policies.guard_string import FoundString

MOST_TOKENS: Final = 50_000
"""Strings and brackets of a request that rules look at; no prompt has as many."""

_OPENAI: Final = frozenset({"messages", "prompt", "suffix", "prediction"})
_RESPONSES: Final = frozenset({"instructions", "input"})
_ANTHROPIC: Final = frozenset({"system"})
_GEMINI: Final = frozenset({"contents", "content", "systemInstruction", "system_instruction", "title"})
_TEXTS: Final = _OPENAI | _RESPONSES | _ANTHROPIC | _GEMINI
_REQUESTS: Final = frozenset({"requests", "generateContentRequest", "generate_content_request"})
"""Whole requests within one."""
_DECLARATIONS: Final = frozenset({"tools", "functions", "response_format", "text"})
_SETTINGS: Final = frozenset({"generationConfig", "generation_config"})
PROMPT: Final = _TEXTS | _REQUESTS | _DECLARATIONS | _SETTINGS
"""The members of a request, in any format, that a model reads."""

_KINDS: Final = frozenset({"role", "type", "name", "model", "object", "status", "format", "detail", "mode", "ttl"})
_IDENTIFIERS: Final = frozenset({"id", "call_id", "tool_call_id", "tool_use_id", "item_id", "file_id", "container_id"})
_ADDRESSES: Final = frozenset({"url", "image_url", "file_url", "fileUri", "file_uri", "server_url", "server_label"})
_TYPES: Final = frozenset({"media_type", "mimeType", "mime_type"})
_PROOFS: Final = frozenset({"signature", "thoughtSignature", "thought_signature", "encrypted_content"})
_ECHOES: Final = frozenset({"instructions", "tools", "tool_choice", "text", "reasoning", "prompt", "metadata", "user"})
_MARKS: Final = frozenset({"previous_response_id", "first_id", "last_id", "prompt_cache_key", "safety_identifier"})
_WAYS: Final = frozenset({"service_tier", "truncation", "prompt_cache_retention", "conversation", "usage"})
REPEATED: Final = _ECHOES | _MARKS | _WAYS | _KINDS | _IDENTIFIERS
"""The members of an answer that no model writes."""

_NAMES: Final = _KINDS | _IDENTIFIERS | _ADDRESSES | _TYPES | _PROOFS
"""Members whose strings are no text."""
_MEDIA: Final = frozenset({"data", "file_data"})
_MADE_MEDIA: Final = _MEDIA | {"result"}
"""A picture that was made is the result of a call."""
_ANY_JSON: Final = frozenset({"input", "args", "response", "arguments", "variables"})
_SCHEMAS: Final = frozenset(
    {"parameters", "input_schema", "schema", "parametersJsonSchema", "parameters_json_schema", "responseSchema"}
    | {"response_schema", "responseJsonSchema", "response_json_schema", "_responseJsonSchema"}
)
_TOKEN: Final = re.compile(rb'("(?:[^"\\]++|\\.)*+")([ \t\n\r]*:)?|[{}\[\]]', re.DOTALL)
"""A string, perhaps the name of a member; a bracket."""
_FREE_TOKEN: Final = re.compile(_TOKEN.pattern + rb"|(-?[0-9][0-9.eE+\-]{4,})", re.DOTALL)
"""The same, or a number that is worth a look."""
_EMPTY: Final = b'""'
_OPENING: Final = frozenset(b"{[")
_CLOSING: Final = frozenset(b"}]")
_START: Final = attrgetter("start")
_LOGPROBS: Final = b'"logprobs"'


class _Mode(Enum):
    """What the strings around are."""

    FORMAT = auto()
    """Members have the meaning that a format gives them."""
    FREE = auto()
    """Whatever somebody made up."""
    REQUEST = auto()
    """Members are those of a request."""
    DECLARED = auto()
    """As in a format, and there are schemas."""
    SETTINGS = auto()
    """Nothing is for the model but schemas."""
    SCHEMA = auto()


class Screened(Struct, frozen=True):
    """What rules made of a request, or of an answer."""

    changes: Mapping[str, bytes]
    """Its members that read otherwise now, as JSON text."""
    hits: Mapping[GuardRule, int]
    """How often each rule found something."""
    refusal: PolicyRefused | None = None
    """Why it must not go on."""


def screen_body(body: JsonBody, rules: Sequence[GuardRule]) -> Screened:
    """Look at every text of a request.

    Raises:
        InvalidRequest: it has more strings than any prompt.
    """
    members = {name: bytes(body.view(name)) for name in body.names if name in PROMPT}
    return _screened({name: (data, _mode_of(name)) for name, data in members.items()}, rules, _MEDIA)


def screen_answer(body: JsonBody, rules: Sequence[GuardRule]) -> Screened:
    """Look at every text of an answer, or of a list of items. Log probabilities go, as they repeat its tokens.

    Raises:
        InvalidRequest: it has more strings than any answer.
    """
    given = {name: bytes(body.view(name)) for name in body.names if name not in REPEATED}
    looked_at = {name: without_logprobs(data) for name, data in given.items()}
    found = _screened({name: (data, _Mode.FORMAT) for name, data in looked_at.items()}, rules, _MADE_MEDIA)
    if found.refusal is not None or all(rule.action is GuardAction.FLAG for rule in rules):
        return found
    shortened = {name: data for name, data in looked_at.items() if data != given[name]}
    return structs.replace(found, changes={**shortened, **found.changes})


def without_logprobs(data: bytes) -> bytes:
    """Return JSON text with every list of log probabilities emptied."""
    if _LOGPROBS not in data:
        return data
    pieces: list[bytes] = []
    done, depth, is_next = 0, 0, False
    for token in _TOKEN.finditer(data):
        mark = token[0][0]
        if depth:
            depth += (mark in _OPENING) - (mark in _CLOSING)
            done = token.end()
        elif is_next and token[0] == b"[":
            pieces.append(data[done : token.start()] + b"[]")
            depth = 1
        is_next = not depth and token[2] is not None and token[1] == _LOGPROBS
    return b"".join((*pieces, data[done:]))


def _mode_of(name: str) -> _Mode:
    """Return what the strings of a request's member are."""
    if name in _REQUESTS:
        return _Mode.REQUEST
    if name in _DECLARATIONS:
        return _Mode.DECLARED
    return _Mode.SETTINGS if name in _SETTINGS else _Mode.FORMAT


def _screened(
    members: Mapping[str, tuple[bytes, _Mode]], rules: Sequence[GuardRule], media: frozenset[str]
) -> Screened:
    """Find all texts of all members, look at them together, and then at each that something may be found in."""
    walk, hits = _Walk(media), Counter[GuardRule]()

    def report(rule: GuardRule, count: int) -> None:
        hits[rule] += count

    strings = {name: walk.member(data, mode) for name, (data, mode) in members.items()}
    suspects = _suspects([each for found in strings.values() for each in found], rules)
    changes: dict[str, bytes] = {}
    try:
        for name, found in strings.items():
            written = [(each, each.written(suspects[each], report)) for each in found if each in suspects]
            pieces = [(each, text) for each, text in written if text is not None]
            if pieces:
                changes[name] = _replaced(members[name][0], pieces)
    except PolicyRefused as refusal:
        return Screened({}, hits, refusal)
    return Screened(changes, hits)


def _suspects(strings: Sequence[FoundString], rules: Sequence[GuardRule]) -> Mapping[FoundString, Sequence[GuardRule]]:
    """Return the strings that rules may find something in, each with those rules."""
    owned = [(each, text) for each in strings for text in each.texts()]
    found: dict[FoundString, Sequence[GuardRule]] = {}
    for place, some in concerned([text for _, text in owned], rules).items():
        owner = owned[place][0]
        known = found.setdefault(owner, some)
        if known is not some and len(known) < len(rules):
            found[owner] = [rule for rule in rules if rule in some or rule in known]
    return found


def _replaced(data: bytes, pieces: Iterable[tuple[FoundString, bytes]]) -> bytes:
    written: list[bytes] = []
    done = 0
    for each, text in pieces:
        written += (data[done : each.start], text)
        done = each.end
    return b"".join((*written, data[done:]))


@dataclass(slots=True)
class _Frame:
    """An array or an object that is open."""

    key: str | None = None
    mode: _Mode = _Mode.FORMAT
    kinds: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """What its members say of what kind it is."""
    media: list[FoundString] = field(default_factory=list["FoundString"])
    """Strings that are text, or media in Base64: what is beside them tells."""


@dataclass(slots=True)
class _Walk:
    """Goes through JSON text by its strings and brackets, and gathers the texts."""

    media: frozenset[str]
    tokens: int = 0
    frame: _Frame = field(default_factory=_Frame)
    stack: list[_Frame] = field(default_factory=list[_Frame])
    found: list[FoundString] = field(default_factory=list["FoundString"])

    def member(self, data: bytes, mode: _Mode) -> Sequence[FoundString]:
        """Return the strings and numbers of one member that are looked at, in their order."""
        self.frame, self.stack, self.found = _Frame(mode=mode), [], []
        place = 0
        while (token := self._next(data, place)) is not None:
            self._count()
            place = token.end()
            if token[1] is not None:
                self._string(token)
            elif token[0][0] in _OPENING:
                self._open()
            elif token[0][0] in _CLOSING:
                self._close()
            else:
                self.found.append(FoundString(*token.span(), token[0].decode()))
        return sorted(self.found, key=_START)

    def _next(self, data: bytes, place: int) -> re.Match[bytes] | None:
        return (_FREE_TOKEN if self.frame.mode is _Mode.FREE else _TOKEN).search(data, place)

    def _count(self, tokens: int = 1) -> None:
        self.tokens += tokens
        if self.tokens > MOST_TOKENS:
            raise InvalidRequest("There are too many parts to be looked at.")

    def _open(self) -> None:
        key, mode = self.frame.key, self.frame.mode
        self.stack.append(self.frame)
        self.frame = _Frame(key, _inner(mode, key))

    def _close(self) -> None:
        for string in self.frame.media:
            kept = read_media(string, self.frame.kinds)
            if kept is not None:
                self.found.append(kept)
        self.frame = self.stack.pop() if self.stack else _Frame()

    def _string(self, token: re.Match[bytes]) -> None:
        frame, is_free = self.frame, self.frame.mode is _Mode.FREE
        if token[2] is not None:
            frame.key = _read(token[1])
            if is_free:
                self.found.append(FoundString(*token.span(1), frame.key))
            return
        if frame.key in KINDS and not is_free:
            frame.kinds.append((frame.key, _read(token[1])))
        if token[1] == _EMPTY or not _is_text(frame):
            return
        text = _read(token[1])
        inner = self._inner_texts(text) if frame.key == "arguments" and not is_free else None
        string = FoundString(*token.span(1), text, inner)
        if frame.key in self.media and not is_free:
            frame.media.append(string)
        else:
            self.found.append(string)

    def _inner_texts(self, text: str) -> Sequence[str]:
        """Return what is looked at of JSON text within a string, of which every part counts."""
        inner = list(islice(texts_of(text), MOST_TOKENS - self.tokens + 1))
        self._count(len(inner))
        return inner


def _inner(mode: _Mode, key: str | None) -> _Mode:
    """Return what the strings within a member are."""
    if mode in {_Mode.FREE, _Mode.SCHEMA}:
        return mode
    if mode is _Mode.REQUEST:
        return mode if key is None or key not in PROMPT else _mode_of(key)
    if mode in {_Mode.DECLARED, _Mode.SETTINGS} and key in _SCHEMAS:
        return _Mode.SCHEMA
    return _Mode.FREE if key in _ANY_JSON and mode is not _Mode.SETTINGS else mode


def _is_text(frame: _Frame) -> bool:
    match frame.mode:
        case _Mode.FREE:
            return True
        case _Mode.SCHEMA:
            return frame.key == "description"
        case _Mode.SETTINGS:
            return False
        case _Mode.FORMAT | _Mode.REQUEST | _Mode.DECLARED:
            return frame.key not in _NAMES


def _read(quoted: bytes) -> str:
    """Return what a string of JSON says; bytes that are no UTF-8 are characters nobody looks for."""
    text = quoted.decode("utf-8", "replace")
    return text[1:-1] if "\\" not in text else str(json.loads(text, strict=False))
