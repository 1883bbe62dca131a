"""Every key of the shared state and its lifetime, in one place.

| key | holds | lives |
|---|---|---|
| `clinx:window:<rule>:<what>:<ms>:<subject>` | a hash, slice number to count | until its last slice counts no more |
| `clinx:slots:<rule>:<subject>` | a sorted set, holder by the end of its lease | a lease after the last was taken |
| `clinx:purse:<rule>:<per>:<subject>` | a hash, the period `p` and its sum `n` | 40 days after the last change |

A rule's limit is no part of its key: changing the number keeps what was counted. A subject is the scopes of the rule
with their values, in the rule's order: `user=7,model=gpt-4o`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

PURSE_LIFETIME: Final = 40 * 24 * 3600 * 1000
"""Longer than any period but the endless one; the ledger tells again what was forgotten."""


def subject(pairs: Iterable[tuple[str, str]]) -> str:
    """Write scopes and their values as one word; what callers chose cannot look like another subject."""
    return ",".join(f"{scope}={quote(value, safe='')}" for scope, value in pairs)


def window(rule: str, what: str, milliseconds: int, who: str) -> str:
    """Return the key of a window."""
    return f"clinx:window:{rule}:{what}:{milliseconds}:{who}"


def slots(rule: str, who: str) -> str:
    """Return the key of slots."""
    return f"clinx:slots:{rule}:{who}"


def purse(rule: str, per: str, who: str) -> str:
    """Return the key of a purse."""
    return f"clinx:purse:{rule}:{per}:{who}"
