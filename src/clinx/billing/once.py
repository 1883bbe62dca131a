"""Done once under a key of somebody's own: the key is remembered in the very transaction that does it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from clinx.billing.failures import KeyReused
from clinx.storage import idempotency
from clinx.storage.failures import StorageConflict
from clinx.storage.program import Program


@dataclass(frozen=True, slots=True)
class Claim:
    """A key, whose it is, and what it is used for."""

    user_id: int
    key: str
    operation: str
    """What is done."""
    asked: str
    """What it is done with; only a digest of it is kept."""
    at: datetime

    @property
    def digest(self) -> str:
        """The digest of what it is done with."""
        return hashlib.sha256(self.asked.encode("utf-8", "surrogatepass")).hexdigest()


def once(claim: Claim, work: Callable[[], Program[str]]) -> Program[tuple[str, bool]]:
    """Do the work, or find what it came to; the flag says whether it was done now. Run it by `transfer.persist`.

    Raises:
        KeyReused: the key was used for something else.
        StorageConflict: another one lets go of the key at this moment; it is worth an immediate retry.
        StorageRefused: the key is too long.
    """
    before = yield from idempotency.begin(claim.user_id, claim.key, claim.operation, claim.digest, claim.at)
    if before is None:
        result = yield from work()
        yield from idempotency.finish(claim.user_id, claim.key, result)
        return result, True
    if (before.operation, before.digest) != (claim.operation, claim.digest):
        raise KeyReused("the key was used before for something else; nothing changed")
    if before.result is None:
        raise StorageConflict("the key is being let go of")
    return before.result, False
