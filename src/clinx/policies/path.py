"""Where in a JSON body an edit happens: ``messages[0].content``, ``metadata.user_id``, ``tools[*].function``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

MAX_STEPS: Final = 16
EACH: Final = "*"

_NAME: Final = re.compile(r"[A-Za-z0-9_$-]+")
_INDEX: Final = re.compile(r"\[(?:(-?[0-9]{1,6})|(\*)|'([^'\]]{1,100})'|\"([^\"\]]{1,100})\")\]")


@dataclass(frozen=True, slots=True)
class Each:
    """Every item of a list."""


Step: TypeAlias = str | int | Each
Spot: TypeAlias = tuple[dict[str, object] | list[object], str | int]
"""A map and the name of a member, or a list and the index of an item that is there."""


@dataclass(frozen=True, slots=True)
class Path:
    """Steps from the body's top level; the first is a name."""

    steps: tuple[Step, ...]

    @property
    def top(self) -> str:
        """The top-level member that it leads into."""
        return cast("str", self.steps[0])

    @property
    def is_single(self) -> bool:
        """Whether it leads to one place at most."""
        return not any(isinstance(step, Each) for step in self.steps)

    @property
    def up_to_each(self) -> tuple[Step, ...]:
        """The steps up to the last that leads to several places; behind it each leads to one at most."""
        last = max((place for place, step in enumerate(self.steps) if isinstance(step, Each)), default=-1)
        return self.steps[: last + 1]

    def overlaps(self, other: Path) -> bool:
        """Tell whether one of the two leads to where the other goes on."""
        return all(mine == its for mine, its in zip(self.steps, other.steps, strict=False))


def parse_path(text: str) -> Path:
    """Read a path.

    Raises:
        ValueError: it is none.
    """
    first = _NAME.match(text)
    if first is None:
        raise ValueError("expected a path such as metadata.user_id or messages[0].content")
    steps: list[Step] = [first[0]]
    place = first.end()
    while place < len(text):
        step, place = _step(text, place)
        steps.append(step)
    if len(steps) > MAX_STEPS:
        raise ValueError(f"a path has at most {MAX_STEPS} steps")
    return Path(tuple(steps))


def _step(text: str, place: int) -> tuple[Step, int]:
    if (found := _INDEX.match(text, place)) is not None:
        number, every, single, double = found.groups()
        step: Step = int(number) if number else Each() if every else (single or double)
        return step, found.end()
    named = _NAME.match(text, place + 1) if text[place] == "." else None
    if named is None:
        raise ValueError(f'a path cannot go on with "{text[place:][:20]}"')
    return named[0], named.end()


def spots(holder: dict[str, object], steps: tuple[Step, ...], *, grow: bool = False) -> Iterator[Spot]:
    """Yield the places that steps lead to; a name in a map is one whether or not it is there, an index only if it is.

    ``grow`` makes the maps that are missing on the way.
    """
    waiting: list[tuple[object, int]] = [(holder, 0)]
    while waiting:
        value, depth = waiting.pop()
        for container, key in _reached(value, steps[depth]):
            if depth + 1 == len(steps):
                yield container, key
            elif (below := _below(container, key, grow=grow)) is not None:
                waiting.append((below, depth + 1))


def _reached(value: object, step: Step) -> list[Spot]:
    if isinstance(value, dict):
        return [(cast("dict[str, object]", value), step)] if isinstance(step, str) else []
    if not isinstance(value, list):
        return []
    items = cast("list[object]", value)
    if isinstance(step, Each):
        # From the back: what takes an item out must not move those that are still to come.
        return [(items, index) for index in reversed(range(len(items)))]
    if isinstance(step, int) and -len(items) <= step < len(items):
        return [(items, step % len(items))]
    return []


def _below(container: dict[str, object] | list[object], key: str | int, *, grow: bool) -> object:
    if isinstance(container, dict):
        name = cast("str", key)
        if container.get(name) is None and grow:
            container[name] = {}
        return container.get(name)
    return container[cast("int", key)]
