"""What is said by itself. Kinds are the names of letters, and of what webhooks are posted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from clinx.domain.console import Console
from clinx.routing.way import Transition
from clinx.storage import low_balances
from clinx.storage.low_balances import LowBalance

MOST_FINDINGS: Final = 20
"""Lines about a tree; the log has all of them."""


@dataclass(frozen=True, slots=True)
class News:
    """Something to be said."""

    kind: str
    subject: str
    """The thing it is about: each is told of now and then only."""
    values: Mapping[str, str]
    """Plain text, by parameter of the letter."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the tree that is served now says."""

    console: Console
    currency: str
    """Of all balances."""


def channel_opened(transition: Transition) -> News:
    """Say that a way upstream is not used for now."""
    return News(
        "channel_opened",
        transition.channel,
        {
            "channel": transition.channel,
            "credential": transition.credential,
            "model": transition.model[:100],
            "reason": "unknown" if transition.cause is None else transition.cause.value,
        },
    )


def reload_failed(revision: str | None, findings: Sequence[str]) -> News:
    """Say that a tree was not loaded, and why."""
    shown = list(findings[:MOST_FINDINGS])
    if len(findings) > MOST_FINDINGS:
        shown.append(f"... {len(findings) - MOST_FINDINGS} more")
    return News("reload_failed", revision or "", {"revision": revision or "unknown", "diagnostics": "\n".join(shown)})


def low_balance(low: LowBalance, terms: Terms) -> News:
    """Say that little is left."""
    return News(
        low_balances.KIND,
        "",
        {
            "name": low.name,
            "balance": f"{low.balance} {terms.currency}",
            "threshold": f"{low.threshold} {terms.currency}",
            "link": terms.console.url or "",
        },
    )
