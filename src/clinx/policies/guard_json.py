"""JSON text under rules: what a model writes as the arguments of a call, or a caller sends of earlier ones.

Rules look at each string by itself, as it reads once its escapes are undone, and at each number or word that stands
outside of one. What is masked is written as a string, so JSON stays JSON. Text that does not begin like an array, an
object or a string is none, and is looked at as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from clinx.policies.guard import GuardAction, GuardRule, Report
from clinx.policies.guard_batch import concerned
from clinx.policies.guard_patterns import MAX_WINDOW
from clinx.policies.guard_text import Screen, TextScreen, screened

MOST_BARE: Final = 4096
"""Characters that may stand outside of strings in a row; where there are more of them it is no JSON from there on."""

_BEGINS: Final = frozenset('{["')
_BARE: Final = re.compile(r'[^\s{}\[\]:,"]+(?:\s+[^\s{}\[\]:,"]+)*')
"""Words with spaces between them: in JSON there is only one."""
_SPACE: Final = re.compile(r"\s*")
_STRETCH: Final = re.compile(
    r"(?:[^\"\\]++|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u(?![dD][89abAB])[0-9a-fA-F]{4}"
    r"|\\[^u])++",
    re.DOTALL,
)
"""The inside of a string, as far as its escapes are complete."""
_HALF: Final = re.compile(
    r"\\(?:u(?:[0-9a-fA-F]{0,3}|[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?))?\Z"
)
"""An escape, or a pair of them, of which the rest may still come."""
_ALONE: Final = re.compile(r"\\u[0-9a-fA-F]{4}|\\")
"""Half a pair, which is no character, or a back-slash before what it does not escape."""
_ESCAPE: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\[^u]|\\", re.DOTALL
)
_TOKEN: Final = re.compile(
    r'[\s{}\[\]:,]++|"((?:[^"\\]++|\\.)*+)"|([^\s{}\[\]:,"]++(?:\s++[^\s{}\[\]:,"]++)*+)(?=\s*+[{}\[\]:,"])', re.DOTALL
)
"""What is complete wherever it stands: a frame, a string, or what is neither and has something behind it."""
_PLAIN: Final = re.compile(r"[^\\\x00-\x1f]*+")
_WIDEST: Final = 4
"""Bytes of the largest character."""
_JSON: Final = msgspec.json.Decoder(msgspec.Raw)
_LETTERS: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class JsonScreen:
    """JSON text as it grows; a `Screen`."""

    __slots__ = ("_held", "_is_end", "_place", "_report", "_rules", "_short", "_step", "_string")

    def __init__(self, rules: Sequence[GuardRule], report: Report) -> None:
        """Start before the first character."""
        self._rules = rules
        self._report = report
        windows = (rule.patterns.window for rule in rules if rule.patterns is not None)
        self._short = min(windows, default=MAX_WINDOW) // _WIDEST
        self._held = ""
        self._place = 0
        """What is held from here on was not complete enough to be looked at."""
        self._is_end = False
        self._string: Screen | None = None
        """Of the string that is open."""
        self._step: Callable[[], str | None] = self._beginning

    def feed(self, text: str) -> str:
        """Take more of the text; return what may be shown."""
        self._held += text
        shown: list[str] = []
        while self._place < len(self._held) and (piece := self._step()) is not None:
            shown.append(piece)
        self._held, self._place = self._held[self._place :], 0
        return "".join(shown)

    def close(self) -> str:
        """Say that the text is complete; return what was held back."""
        self._is_end = True
        shown = self.feed("") + self._held
        if self._string is None:
            return shown
        last = self._string.close()
        return shown + (last if self._step == self._text else escaped(last))

    def _beginning(self) -> str | None:
        """Tell JSON from other text by its first character."""
        first = self._held.lstrip()[:1]
        if not first:
            return None
        if first in _BEGINS:
            self._step = self._outside
            return ""
        return self._no_json()

    def _no_json(self) -> str:
        """Look at all that follows as it is."""
        self._string, self._step = TextScreen(self._rules, self._report), self._text
        return ""

    def _text(self) -> str:
        """Look at what is no JSON as it is."""
        return self._within(self._cut(len(self._held)))

    def _outside(self) -> str | None:
        """Look at what is complete, all of it at once; then open the string that is not, or wait."""
        if tokens := _tokens(self._held, self._place):
            return self._complete(tokens)
        if self._held[self._place] == '"':
            self._string, self._step = TextScreen(self._rules, self._report), self._inside
            return self._cut(self._place + 1)
        return self._bare()

    def _complete(self, tokens: Sequence[re.Match[str]]) -> str:
        """Look at frames, strings, and what is neither."""
        found = [(token, _said(token)) for token in tokens if token.lastindex is not None]
        rules = concerned([text for _, text in found], self._rules)
        if not rules and _PLAIN.fullmatch(self._held, self._place, tokens[-1].end()):
            return self._cut(tokens[-1].end())
        shown: list[str] = []
        for number, (token, text) in enumerate(found):
            written = self._shown(token, text, rules.get(number, ()))
            if written is not None:
                shown += (self._cut(token.start()), written)
                self._place = token.end()
        return "".join((*shown, self._cut(tokens[-1].end())))

    def _shown(self, token: re.Match[str], text: str, rules: Sequence[GuardRule]) -> str | None:
        """Return how a string, or what is none, is written now; None for as it is."""
        if token[1] is None:
            left = self._grown(text, rules)
            return None if left == text else f'"{escaped(left)}"'
        if not rules and _PLAIN.fullmatch(token[1]):
            return None
        return f'"{escaped(self._grown(text, rules))}"'

    def _grown(self, text: str, rules: Sequence[GuardRule]) -> str:
        """Look at a text as at one that grew."""
        if not rules:
            return text
        if len(text) <= self._short:  # No match in it is too long for one that grows.
            return screened(text, rules, self._report)
        screen = TextScreen(rules, self._report)
        return screen.feed(text) + screen.close()

    def _bare(self) -> str | None:
        """Look at what is no string and has nothing behind it yet."""
        most = self._place + MOST_BARE
        bare = _BARE.match(self._held, self._place, most)
        end = bare.end() if bare is not None else self._place + 1
        if end == most:
            return self._no_json()
        space = _SPACE.match(self._held, end, most)
        if not self._is_end and (end if space is None else space.end()) == len(self._held) < most:
            return None
        text = self._cut(end)
        left = self._grown(text, self._rules)
        return text if left == text else f'"{escaped(left)}"'

    def _inside(self) -> str | None:
        """Look at a string, and find its end."""
        if self._held[self._place] == '"':
            rest = self._string.close() if self._string is not None else ""
            self._string, self._step = None, self._outside
            return escaped(rest) + self._cut(self._place + 1)
        if (stretch := _STRETCH.match(self._held, self._place)) is not None:
            return escaped(self._within(_unescaped(self._cut(stretch.end()))))
        if not self._is_end and _HALF.match(self._held, self._place) is not None:
            return None
        alone = _ALONE.match(self._held, self._place)
        return escaped(self._within(_unescaped(self._cut(alone.end() if alone is not None else self._place + 1))))

    def _within(self, text: str) -> str:
        return self._string.feed(text) if self._string is not None else text

    def _cut(self, end: int) -> str:
        text, self._place = self._held[self._place : end], end
        return text


def texts_of(text: str) -> Iterator[str]:
    """Yield the strings of JSON text as they read, and what stands between them; if it is none, all of it first."""
    if not is_json(text):
        yield text
    place = 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            yield _unescaped(text[place:])
            return
        place = token.end()
        if token.lastindex is not None:
            yield _said(token)


def _tokens(text: str, place: int) -> Sequence[re.Match[str]]:
    """Return what is complete from here on."""
    tokens: list[re.Match[str]] = []
    while (token := _TOKEN.match(text, place)) is not None and not _is_long(token):
        tokens.append(token)
        place = token.end()
    return tokens


def _is_long(token: re.Match[str]) -> bool:
    return token[2] is not None and len(token[2]) >= MOST_BARE


def _said(token: re.Match[str]) -> str:
    return token[2] if token[1] is None else _unescaped(token[1])


def screened_json(text: str, rules: Sequence[GuardRule], report: Report) -> str:
    """Return JSON text as it may be passed on: the very one, where there is nothing to mask.

    What is no JSON is looked at as it is before: a model reads all of it as one text.

    Raises:
        PolicyRefused: a rule blocks it.
    """
    if is_json(text):
        return _in_strings(text, rules, report)
    heard: set[str] = set()

    def noted(rule: GuardRule, count: int) -> None:
        heard.add(rule.name)
        report(rule, count)

    def noted_more(rule: GuardRule, count: int) -> None:
        if rule.name not in heard:
            report(rule, count)

    return _in_strings(screened(text, rules, noted), rules, noted_more)


def _in_strings(text: str, rules: Sequence[GuardRule], report: Report) -> str:
    is_masked = False

    def noted(rule: GuardRule, count: int) -> None:
        nonlocal is_masked
        is_masked = is_masked or rule.action is GuardAction.MASK
        report(rule, count)

    screen = JsonScreen(rules, noted)
    shown = screen.feed(text) + screen.close()
    return shown if is_masked else text


def is_json(text: str) -> bool:
    """Whether it is JSON from its beginning to its end."""
    try:
        _JSON.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True


def escaped(text: str) -> str:
    """Write text as the inside of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _unescaped(text: str) -> str:
    """Return what the inside of a string says."""
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(escape: re.Match[str]) -> str:
    text = escape[0]
    if len(text) == 1:
        return text
    if text[1] != "u":
        return _LETTERS.get(text[1], text[1])
    return json.loads(f'"{text}"').encode("utf-16", "surrogatepass").decode("utf-16", "replace")
