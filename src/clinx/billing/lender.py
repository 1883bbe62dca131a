"""Who lends to the memory of a process, and takes back."""

from __future__ import annotations

from typing import Protocol

from clinx.billing.operations import Direct, Loan
from clinx.domain.identity import Principal
from clinx.domain.money import Amount


class Lender(Protocol):
    """Who lends: the vault."""

    async def lend(self, principal: Principal, least: Amount, wish: Amount) -> Loan | Direct:
        """Lend of the user's account, and of the token's budget if it has one: both or none.

        Raises:
            NotCovered: not even the least is there.
            TokenDisabled, TokenExpired, PermissionDenied: the token or its user may not spend any more.
            BillingUnavailable: the ledger cannot be written now; it may have been lent all the same.
        """
        ...

    async def repay(self, scope: str, returned: Amount) -> None:
        """Return of a lease: all that was ever returned of it. Kept and tried again if it cannot be written now.

        Raises:
            BillingUnavailable: it is not written yet.
        """
        ...
