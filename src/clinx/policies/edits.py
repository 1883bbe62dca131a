"""Changes to a JSON body, as the verb ``rewrite`` makes them.

Every value is found before the first change of a rule is made, so a rule sees the request as it came to it. A change
that does not fit (a path that leads nowhere, text where a list is) is left out: a rule never makes a request fail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeAlias, assert_never, cast

import msgspec

from clinx.policies.draft import NOTHING, Draft
from clinx.policies.path import Path, Spot, spots

_Compute: TypeAlias = Callable[[Mapping[str, object]], object]


MAX_SPOTS: Final = 1_000_000
"""Places that one change is made at."""
MOST_ADDED: Final = 4 << 20
"""Bytes that one change adds to a body at several places: a caller's text may be one of them, and their number."""


@dataclass(frozen=True, slots=True)
class SetTo:
    """Put a value there; with ``if_absent``, only where nothing is, or null."""

    path: Path
    value: _Compute
    if_absent: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    """Take out what is there."""

    path: Path


@dataclass(frozen=True, slots=True)
class Transfer:
    """Put what is at one place at another, too (or, with ``moves``, instead)."""

    source: Path
    target: Path
    moves: bool


@dataclass(frozen=True, slots=True)
class Add:
    """Add an item to a list, or text to text; of a missing member it makes one."""

    path: Path
    value: _Compute
    front: bool


@dataclass(frozen=True, slots=True)
class Trim:
    """Take a beginning, an end, or white space off a text."""

    path: Path
    prefix: str = ""
    suffix: str = ""
    space: bool = False


@dataclass(frozen=True, slots=True)
class Replace:
    """Replace every match in a text."""

    path: Path
    substitute: Callable[[str], str]


Edit: TypeAlias = SetTo | Delete | Transfer | Add | Trim | Replace


def apply_edits(edits: tuple[Edit, ...], draft: Draft, scope: Mapping[str, object]) -> None:
    """Make the changes, in order.

    Raises:
        InvalidRequest: a member that is to be changed holds bytes that are no text.
    """
    computed = [edit.value(scope) if isinstance(edit, SetTo | Add) else None for edit in edits]
    for edit, value in zip(edits, computed, strict=True):
        if value is not NOTHING:
            _apply(edit, draft, value)


def _apply(edit: Edit, draft: Draft, value: object) -> None:
    match edit:
        case SetTo(path, _, if_absent):
            _fill(draft, path, value, lambda spot: _set(spot, value, if_absent=if_absent))
        case Delete(path):
            _change(draft, path, _delete)
        case Transfer(source, target, moves):
            _transfer(draft, source, target, moves=moves)
        case Add(path, _, front):
            _fill(draft, path, value, lambda spot: _add(spot, value, front=front))
        case Trim(path):
            _change(draft, path, lambda spot: _rewrite(spot, lambda text: _trimmed(edit, text)))
        case Replace(path, substitute):
            _change(draft, path, lambda spot: _rewrite(spot, substitute))
        case _:
            assert_never(edit)


def _fill(draft: Draft, path: Path, value: object, change: Callable[[Spot], bool]) -> bool:
    """Put a value at every place a path leads to, making the maps on the way; tell whether there was one."""
    if not path.is_single:
        # Counted before anything is made on the way: what is left out must leave nothing behind.
        most = MOST_ADDED // (len(msgspec.json.encode(value)) + 1)
        lists = spots(_holder(draft, path.top), path.up_to_each)
        if next(islice(lists, most, None), None) is not None:
            return False
    return _change(draft, path, change, grow=True)


def _change(draft: Draft, path: Path, change: Callable[[Spot], bool], *, grow: bool = False) -> bool:
    """Change every place a path leads to; the member is written anew only where something did change."""
    holder = _holder(draft, path.top)
    found = list(islice(spots(holder, path.steps, grow=grow), MAX_SPOTS + 1))
    if len(found) > MAX_SPOTS:
        return False
    changed = [change(spot) for spot in found]
    if not any(changed):
        return False
    draft.put(path.top, holder.get(path.top, NOTHING))
    return True


def _holder(draft: Draft, name: str) -> dict[str, object]:
    """Return a map with one member of the body, if it is there, for a path to begin in."""
    held = draft.find(name)
    return {} if held is NOTHING else {name: held}


def _held(spot: Spot) -> object:
    """Return what is at a place, or `NOTHING`."""
    container, key = spot
    return container.get(str(key), NOTHING) if isinstance(container, dict) else container[int(key)]


def _put(spot: Spot, value: object) -> bool:
    container, key = cast("tuple[Any, Any]", spot)
    # What is put at several places must not be one object: a later change would be made to all.
    container[key] = _copied(cast("object", value)) if isinstance(value, dict | list) else value
    return True


def _copied(value: object) -> object:
    """Copy what can be written as JSON, however deep it is."""
    return msgspec.json.decode(msgspec.json.encode(value))


def _set(spot: Spot, value: object, *, if_absent: bool) -> bool:
    held = _held(spot)
    if if_absent and held is not None and held is not NOTHING:
        return False
    return _put(spot, value)


def _delete(spot: Spot) -> bool:
    container, key = cast("tuple[Any, Any]", spot)
    if _held(spot) is NOTHING:
        return False
    del container[key]
    return True


def _transfer(draft: Draft, source: Path, target: Path, *, moves: bool) -> None:
    places = spots(_holder(draft, source.top), source.steps)
    found = next((held for spot in places if (held := _held(spot)) is not NOTHING), NOTHING)
    if found is NOTHING:
        return
    # Of two places that lie in one another the first must be gone before the other is made.
    is_first = source.overlaps(target)
    if moves and is_first:
        _change(draft, source, _delete)
    if _fill(draft, target, found, lambda spot: _put(spot, found)) and moves and not is_first:
        _change(draft, source, _delete)


def _add(spot: Spot, value: object, *, front: bool) -> bool:
    held = _held(spot)
    if isinstance(held, str) and isinstance(value, str):
        return _put(spot, value + held if front else held + value)
    if isinstance(held, list):
        items = cast("list[object]", held)
        items.insert(0 if front else len(items), _copied(value))
        return True
    return (held is None or held is NOTHING) and _put(spot, value if isinstance(value, str) else [value])


def _rewrite(spot: Spot, change: Callable[[str], str]) -> bool:
    held = _held(spot)
    if not isinstance(held, str):
        return False
    new = change(held)
    return new != held and _put(spot, new)


def _trimmed(trim: Trim, text: str) -> str:
    text = text.strip() if trim.space else text
    return text.removeprefix(trim.prefix).removesuffix(trim.suffix)
