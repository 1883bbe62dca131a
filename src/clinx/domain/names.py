"""Names that people choose for themselves: which ones belong to the house, and which look like something else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

_BETWEEN: Final = re.compile(r"[\W_]+")
_LINK: Final = re.compile(r"://|\bwww\.|[^\W_]\.[^\W\d_]{2,}", re.IGNORECASE)
_JOINT: Final = re.compile(r"[.:]")
_BREAK: Final = "\u200b"


def skeleton(name: str) -> str:
    """Return what is left of a name when nobody looks closely: at widths, cases, signs between letters."""
    return _BETWEEN.sub("", unicodedata.normalize("NFKC", name).casefold())


def skeletons(names: Iterable[str]) -> frozenset[str]:
    """Return the skeletons of names; a name of signs alone has none."""
    return frozenset(filter(None, map(skeleton, names)))


def looks_like_a_link(name: str) -> bool:
    """Say whether a reader's program, or a reader, would take a name for an address."""
    return _LINK.search(unicodedata.normalize("NFKC", name)) is not None


def unlinked(text: str) -> str:
    """Return a text that reads the same, of which no program makes a link: its joints are broken invisibly."""
    return _LINK.sub(lambda found: _JOINT.sub(lambda joint: f"{joint[0]}{_BREAK}", found[0]), text)


RESERVED_NAMES: Final = skeletons(
    (
        *("root", "admin", "administrator", "operator", "owner", "superuser", "sysadmin", "system", "staff"),
        *("support", "help", "helpdesk", "service", "moderator", "official", "security", "abuse", "billing"),
        *("info", "postmaster", "webmaster", "hostmaster", "noreply", "nobody", "anonymous", "guest", "clinx"),
    )
)
"""What the tree reserves unless it says otherwise."""
