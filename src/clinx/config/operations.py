"""What expressions of the tree can do with values: compare, compute, cut text. Bounded, and never an error.

What makes no sense (text less than a number, the fifth item of three) is `MISSING`, which is false, neither equal nor
unequal to anything, in nothing, and holds nothing. Work on text is bounded by its length, and nothing makes text longer
than `LONGEST`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

from clinx.policies.draft import NOTHING as MISSING
from clinx.policies.facts import Offered

LONGEST: Final = 64 * 1024
"""Characters of a text that is cut or joined; with a longer one that makes no sense."""
MOST_PARTS: Final = 1000
"""Parts that a text is split into."""
LARGEST: Final = 2**64
"""No result of arithmetic is beyond it, in either direction."""


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Make an ordering false between things that have no order, rather than an error."""

    def ordered(left: Any, right: Any) -> bool:
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        return (numbers or (isinstance(left, str) and isinstance(right, str))) and compare(left, right)

    return ordered


def _equal(left: Any, right: Any) -> bool:
    return left == right and left is not MISSING and isinstance(left, bool) == isinstance(right, bool)


def _unequal(left: Any, right: Any) -> bool:
    return left is not MISSING and right is not MISSING and not _equal(left, right)


def _among(left: Any, right: Any) -> bool:
    if isinstance(right, str):
        return isinstance(left, str) and left in right
    if isinstance(right, Mapping | Offered):
        return isinstance(left, str) and left in right
    if isinstance(right, range):
        return type(left) is int and left in right
    return any(_equal(left, each) for each in items(right))


def _not_among(left: Any, right: Any) -> bool:
    return left is not MISSING and not _among(left, right)


COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": _equal,
    "ne": _unequal,
    "lt": _ordered(operator.lt),
    "lteq": _ordered(operator.le),
    "gt": _ordered(operator.gt),
    "gteq": _ordered(operator.ge),
    "in": _among,
    "notin": _not_among,
}


def look_up(value: Any, key: Any) -> Any:
    """Return a member of a map or an item of a list."""
    if type(value) is dict and type(key) is str:
        return cast("dict[str, Any]", value).get(key, MISSING)
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value)
        return members.get(key, MISSING) if isinstance(key, str) else MISSING
    listed = items(value)
    return listed[key] if type(key) is int and -len(listed) <= key < len(listed) else MISSING


def has(value: Any, key: str) -> bool:
    """Tell whether a map has such a member, which is not looked at."""
    return isinstance(value, Mapping) and key in value


def items(value: Any) -> Sequence[Any]:
    """Return the items of a list; of anything else, none."""
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else ()


def is_number(value: Any) -> bool:
    """Tell whether one can count with it; a boolean is no number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def arithmetic(compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Make a computation of numbers that is missing where it cannot be."""

    def run(left: Any, right: Any) -> Any:
        if not (is_number(left) and is_number(right)):
            return MISSING
        try:
            result = compute(left, right)
        except (ArithmeticError, ValueError):
            return MISSING
        return result if -LARGEST <= result <= LARGEST else MISSING

    return run


def joined(parts: Sequence[Any]) -> Any:
    """Write values one after the other, as ``~`` and templates do."""
    texts: list[str] = []
    for part in parts:
        if isinstance(part, bool):
            texts.append("true" if part else "false")
        elif isinstance(part, str | int | float):
            texts.append(str(part))
        else:
            return MISSING
    return "".join(texts) if sum(map(len, texts)) <= LONGEST else MISSING


def _starts(text: str, part: Any) -> Any:
    return text.startswith(_texts(part))


def _ends(text: str, part: Any) -> Any:
    return text.endswith(_texts(part))


def _texts(part: Any) -> tuple[str, ...]:
    each = (part,) if isinstance(part, str) else items(part)
    return tuple(text for text in each if isinstance(text, str))


def _split(text: str, separator: Any, most: Any = -1) -> Any:
    if not (isinstance(separator, str) and separator and type(most) is int):
        return MISSING
    return text.split(separator, min(most, MOST_PARTS) if most >= 0 else MOST_PARTS)


def _rsplit(text: str, separator: Any, most: Any = -1) -> Any:
    if not (isinstance(separator, str) and separator and type(most) is int):
        return MISSING
    return text.rsplit(separator, min(most, MOST_PARTS) if most >= 0 else MOST_PARTS)


def _replace(text: str, old: Any, new: Any) -> Any:
    if not (isinstance(old, str) and isinstance(new, str) and old):
        return MISSING
    longer = text.count(old) * (len(new) - len(old))
    return text.replace(old, new) if len(text) + longer <= LONGEST else MISSING


def _without_prefix(text: str, part: Any) -> Any:
    return text.removeprefix(part) if isinstance(part, str) else MISSING


def _without_suffix(text: str, part: Any) -> Any:
    return text.removesuffix(part) if isinstance(part, str) else MISSING


METHODS: Final[Mapping[str, tuple[Callable[..., Any], int, int]]] = {
    "startswith": (_starts, 1, 1),
    "endswith": (_ends, 1, 1),
    "split": (_split, 1, 2),
    "rsplit": (_rsplit, 1, 2),
    "replace": (_replace, 2, 2),
    "removeprefix": (_without_prefix, 1, 1),
    "removesuffix": (_without_suffix, 1, 1),
    "lower": (str.lower, 0, 0),
    "upper": (str.upper, 0, 0),
    "strip": (str.strip, 0, 0),
}
"""Methods of text, with how many arguments they take at least and at most."""


def _length(value: Any) -> Any:
    return len(cast("Sequence[Any]", value)) if isinstance(value, str | list | tuple | Mapping) else MISSING


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) and len(value) <= LONGEST else MISSING


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) and len(value) <= LONGEST else MISSING


def _trim(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else MISSING


def _default(value: Any, instead: Any) -> Any:
    return instead if value is MISSING or value is None else value


def _int(value: Any) -> Any:
    try:
        number = int(value) if is_number(value) or (isinstance(value, str) and len(value) <= _DIGITS) else MISSING
    except (ArithmeticError, ValueError):
        return MISSING
    return number


def _least(value: Any) -> Any:
    numbers = [each for each in items(value) if is_number(each)]
    return min(numbers) if numbers else MISSING


def _largest(value: Any) -> Any:
    numbers = [each for each in items(value) if is_number(each)]
    return max(numbers) if numbers else MISSING


_DIGITS: Final = 20

FILTERS: Final[Mapping[str, tuple[Callable[..., Any], int]]] = {
    "lower": (_lower, 0),
    "upper": (_upper, 0),
    "trim": (_trim, 0),
    "length": (_length, 0),
    "default": (_default, 1),
    "int": (_int, 0),
    "min": (_least, 0),
    "max": (_largest, 0),
}
"""Filters, with how many arguments they take."""
