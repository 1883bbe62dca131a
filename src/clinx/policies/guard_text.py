"""One text under several rules, whole or as it grows.

All rules look at the text as it was made, not at what another of them left of it, so they are not slower together than
the slowest of them: what is held back is what may still become part of something that any of them looks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from clinx.policies.guard import GuardAction, GuardRule, Report
from clinx.policies.guard_spans import Replacing, Scan, Span, merged, replaced


class Screen(Protocol):
    """Stands between a text and its reader; any split of the text gives the same (a law)."""

    def feed(self, text: str) -> str:
        """Take more of the text; return what may be shown.

        Raises:
            PolicyRefused: a rule blocks it.
        """
        ...

    def close(self) -> str:
        """Say that the text is complete; return what was held back.

        Raises:
            PolicyRefused: a rule blocks it.
        """
        ...


class TextScreen:
    """A text as it grows; a `Screen`."""

    __slots__ = ("_base", "_held", "_report", "_scans", "_waiting")

    def __init__(self, rules: Sequence[GuardRule], report: Report) -> None:
        """Start before the first character."""
        self._scans: list[tuple[int, GuardRule, Scan]] = [
            (rank, rule, scan) for rank, rule in enumerate(rules) for scan in rule.scans()
        ]
        self._report = report
        self._held = ""
        self._base = 0
        """The number of the character that what is held begins with."""
        self._waiting: list[Replacing] = []
        """Found, and not all shown."""

    def feed(self, text: str) -> str:
        """Take more of the text; return what may be shown."""
        return self._take(text, is_end=False)

    def close(self) -> str:
        """Say that the text is complete; return what was held back."""
        return self._take("", is_end=True)

    def _take(self, text: str, *, is_end: bool) -> str:
        self._held += text
        certain = self._base + len(self._held)
        found = list(self._waiting)
        for rank, rule, scan in self._scans:
            spans = scan.feed(text, is_end=is_end)
            if spans:
                found += obeyed(rule, spans, self._report, rank)
            if rule.action is not GuardAction.FLAG:
                certain = min(certain, scan.settled)
        return self._show(merged(found), certain)

    def _show(self, found: Sequence[Replacing], certain: int) -> str:
        """Return the text up to a place, but nothing of what may still grow at that place."""
        ready = [each for each in found if each.span.end <= certain]
        self._waiting = list(found[len(ready) :])
        if self._waiting:
            certain = min(certain, self._waiting[0].span.start)
        base, size = self._base, certain - self._base
        here = [Replacing(Span(start - base, end - base), text) for (start, end), text, _ in ready]
        shown, self._held, self._base = replaced(self._held[:size], here), self._held[size:], certain
        return shown


def screened(text: str, rules: Sequence[GuardRule], report: Report) -> str:
    """Return a whole text as it may be passed on: the very one, where there is nothing to mask.

    Raises:
        PolicyRefused: a rule blocks it.
    """
    found = [each for rank, rule in enumerate(rules) for each in obeyed(rule, rule.find(text), report, rank)]
    return replaced(text, found) if found else text


def obeyed(rule: GuardRule, spans: Sequence[Span], report: Report, rank: int) -> Iterable[Replacing]:
    """Report what a rule found; return what is to be masked. The rank is the rule's place among others.

    Raises:
        PolicyRefused: it blocks.
    """
    if not spans:
        return ()
    report(rule, len(spans))
    if rule.action is GuardAction.BLOCK:
        raise rule.refusal()
    return [Replacing(span, rule.replacement, rank) for span in spans] if rule.action is GuardAction.MASK else ()
