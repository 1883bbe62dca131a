"""Members of requests by name: this format takes each in two spellings, ``maxOutputTokens`` and ``max_output_tokens``.

Of a member that is there in both, nobody can say which one counts, and some servers do not tell upper case from lower.
So where the gateway decides by a member, only one of its two spellings is taken.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Final

from msgspec import Raw

from clinx.dialects import members
from clinx.dialects.body import JsonBody
from clinx.errors import InvalidRequest

_HUMP: Final = re.compile(r"[A-Z]")
_LONGEST: Final = 64
"""More characters than any spelling of a name that is known has."""


@cache
def snake(name: str) -> str:
    """Return the other spelling: ``maxOutputTokens`` to ``max_output_tokens``. For names that are known only."""
    return _HUMP.sub(lambda hump: "_" + hump[0].lower(), name)


def spelled(body: JsonBody, name: str) -> str:
    """Return how a body spells a member; the first spelling when it is absent."""
    return name if body.view(name) or not body.view(snake(name)) else snake(name)


def get(found: Mapping[str, Raw], name: str) -> Raw | None:
    """Return a member in either spelling; None when it is absent or null."""
    value = found.get(name) or found.get(snake(name))
    return None if value is None or bytes(value) == b"null" else value


def is_one_of(name: str, known: Collection[str]) -> bool:
    """Whether a name is one of these, in either spelling."""
    return name in known or any(name == snake(each) for each in known)


def folded(names: Iterable[str]) -> Mapping[str, str]:
    """Return names by what all their spellings have in common, for `check_spelling`."""
    return {_fold(name): name for name in names}


def check_spelling(body: JsonBody, known: Mapping[str, str]) -> None:
    """Refuse a member that is there twice, or that some upstreams would take for a known one.

    Raises:
        InvalidRequest: two spellings of one of the known names, or one that is no spelling of it.
    """
    seen: dict[str, str] = {}
    for name in body.names:
        meant = known.get(_fold(name)) if len(name) <= _LONGEST else None
        if meant is None:
            continue
        if name not in {meant, snake(meant)}:
            raise InvalidRequest(f"Unknown parameter: '{name}'.", hint=f"Did you mean '{meant}'?", param=name)
        if (other := seen.setdefault(meant, name)) != name:
            raise InvalidRequest(f"'{other}' and '{name}' are the same parameter: expected only one.", param=name)


def members_of(body: JsonBody, name: str) -> JsonBody | None:
    """Read a member that is itself an object, of any size; None when absent.

    Raises:
        InvalidRequest: not an object, or one that cannot be read.
    """
    name = spelled(body, name)
    text = body.view(name)
    if not text or (found := members.kind(text)) == "null":
        return None
    if found != "an object":
        raise members.wrong_type(name, "an object", text)
    try:
        return JsonBody.parse(bytes(text))
    except InvalidRequest as error:
        raise InvalidRequest(f"Invalid value for '{name}': expected a smaller JSON object.", param=name) from error


def _fold(name: str) -> str:
    return name.casefold().replace("_", "")
