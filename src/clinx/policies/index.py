"""Rules by what they test, so that an exchange meets only those that may concern it.

A rule whose condition cannot hold unless, say, the model is ``o3`` lies under that name and is found by it. One that
tests nothing of the kind is loose and always tried. Looking up costs a few dictionary reads per kind of thing that
rules test, however many rules there are; a member of the body is decoded if a rule lies under what is in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from clinx.errors import InvalidRequest
from clinx.policies.draft import NOTHING, Draft
from clinx.policies.facts import Facts, Read, presence, reader
from clinx.policies.rule import Anchor, Match, Rule

_WEIGHT: Final[Mapping[str, int]] = {
    name: weight
    for weight, name in enumerate(("token", "user", "model", "header", "address", "group", "request", "operation"))
}
"""The anchor that fewer exchanges share is better, and one that needs nothing decoded."""
_REST: Final = len(_WEIGHT)
_COMMON: Final = frozenset({"request", "address"})
"""What most exchanges have something of; that it is there says the least."""
_LAST: Final = _REST + 1

_Root: TypeAlias = tuple[str, ...]
"""What a rule can change at once: ``("model",)``, ``("request", "metadata")``."""
_Ends: TypeAlias = tuple[tuple[int, Mapping[str, tuple[int, ...]]], ...]
"""Positions by text, for each length that texts have."""


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The rules that test one thing."""

    path: tuple[str, ...]
    read: Read = field(repr=False, compare=False)
    exact: Mapping[object, tuple[int, ...]]
    prefixes: _Ends
    suffixes: _Ends
    present: tuple[int, ...]
    every: tuple[int, ...]

    def find(self, facts: Facts, model: str, draft: Draft, into: list[int]) -> None:
        """Add the positions of the rules that what is there now may concern."""
        try:
            value = self.read(facts, model, draft)
        except InvalidRequest:
            # Whether that matters is for the rules to say: one that asks for it refuses the request.
            into.extend(self.every)
            return
        if value is NOTHING:
            return
        into.extend(self.present)
        if isinstance(value, str):
            into.extend(self.exact.get(value, ()))
            for length, texts in self.prefixes:
                into.extend(texts.get(value[:length], ()))
            for length, texts in self.suffixes:
                into.extend(texts.get(value[-length:], ()))
        elif isinstance(value, int | float):
            into.extend(self.exact.get(value, ()))


@dataclass(frozen=True, slots=True)
class Index:
    """Positions of rules, by anchor."""

    loose: tuple[int, ...]
    shelves: tuple[_Shelf, ...]
    by_root: Mapping[_Root, tuple[_Shelf, ...]] = field(repr=False, compare=False)

    @classmethod
    def build(cls, rules: Sequence[Rule]) -> Index:
        """Put every rule in its place."""
        loose: list[int] = []
        placed: defaultdict[tuple[str, ...], list[tuple[int, Anchor]]] = defaultdict(list)
        for position, rule in enumerate(rules):
            if rule.anchors:
                anchor = min(rule.anchors, key=_cost)
                placed[anchor.path].append((position, anchor))
            else:
                loose.append(position)
        shelves = tuple(_shelf(path, anchors) for path, anchors in placed.items())
        by_root: defaultdict[_Root, list[_Shelf]] = defaultdict(list)
        for shelf in shelves:
            by_root[shelf.path[:2]].append(shelf)
        return cls(tuple(loose), shelves, {root: tuple(under) for root, under in by_root.items()})

    @property
    def reads_body(self) -> bool:
        """Whether rules are found by what is in the body."""
        return any(shelf.path[0] == "request" for shelf in self.shelves)

    def find(self, facts: Facts, model: str, draft: Draft) -> Sequence[int]:
        """Return the positions of the rules that may hold, ascending."""
        found: list[int] = []
        for shelf in self.shelves:
            shelf.find(facts, model, draft, found)
        if not found:
            return self.loose
        return sorted({*found, *self.loose})

    def find_anew(self, facts: Facts, model: str, draft: Draft, changed: Iterable[_Root]) -> Sequence[int]:
        """Return the positions of rules that may hold now that these were changed; those that `find` knew, too."""
        found: list[int] = []
        for root in changed:
            for shelf in self.by_root.get(root, ()):
                shelf.find(facts, model, draft, found)
        return found


def _cost(anchor: Anchor) -> tuple[int, bool, int]:
    is_common = anchor.match is Match.PRESENT and anchor.path[0] in _COMMON
    weight = _LAST if is_common else _WEIGHT.get(anchor.path[0], _REST)
    return (weight, anchor.match is not Match.EXACT, len(anchor.values))


def _shelf(path: tuple[str, ...], anchors: Sequence[tuple[int, Anchor]]) -> _Shelf:
    exact: defaultdict[object, list[int]] = defaultdict(list)
    ends: dict[Match, defaultdict[str, list[int]]] = {each: defaultdict(list) for each in Match}
    for position, anchor in anchors:
        for value in anchor.values:
            if anchor.match is Match.EXACT:
                exact[value].append(position)
            else:
                ends[anchor.match][str(value)].append(position)
    present = tuple(position for position, anchor in anchors if anchor.match is Match.PRESENT)
    read = presence(path) if len(present) == len(anchors) else reader(path)
    if read is None:
        raise ValueError(f"nothing reads {'.'.join(path)}")
    return _Shelf(
        path,
        read,
        {value: tuple(positions) for value, positions in exact.items()},
        _by_length(ends[Match.PREFIX]),
        _by_length(ends[Match.SUFFIX]),
        present,
        tuple(position for position, _ in anchors),
    )


def _by_length(texts: Mapping[str, Sequence[int]]) -> _Ends:
    lengths = sorted({len(text) for text in texts})
    return tuple((n, {text: tuple(at) for text, at in texts.items() if len(text) == n}) for n in lengths)
