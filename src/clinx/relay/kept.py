"""Which channel keeps which answer, and for whom: the answers of late, in memory.

The request log knows all of them, but only once it is written, which takes a moment; and whoever continues an answer
does so at once.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from clinx.domain.request_log import Keeper

MOST: Final = 50_000
"""Answers that are remembered; each is some hundred bytes."""


@dataclass(frozen=True, slots=True)
class KeptAnswers:
    """Bounded: the answer that was used least recently is forgotten first, and then asked for in the request log."""

    most: int = MOST
    _keepers: OrderedDict[tuple[int, str], Keeper] = field(default_factory=OrderedDict[tuple[int, str], Keeper])

    def remember(self, user_id: int, answer: str, keeper: Keeper) -> None:
        """Note who keeps an answer of a user's."""
        self._keepers[user_id, answer] = keeper
        self._keepers.move_to_end((user_id, answer))
        if len(self._keepers) > self.most:
            self._keepers.popitem(last=False)

    def keeper(self, user_id: int, answer: str) -> Keeper | None:
        """Return who keeps an answer, if it was made for this user; None if that is not known here."""
        found = self._keepers.get((user_id, answer))
        if found is not None:
            self._keepers.move_to_end((user_id, answer))
        return found
