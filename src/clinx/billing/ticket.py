"""An operation at the counter, and whoever waits for what becomes of it."""

from __future__ import annotations

import asyncio

from msgspec import Struct

from clinx.billing.operations import Hold, Lend, Operation, Outcome, Record
from clinx.errors import BillingUnavailable, GatewayError


class Ticket(Struct, frozen=True):
    """An operation in the queue. Its answer is given once; the operation itself may have to wait longer."""

    operation: Operation
    answer: asyncio.Future[Outcome] | None
    """None when nobody asked: the vault frees what was held for a caller that has gone."""

    @property
    def is_refusable(self) -> bool:
        """Whether it may be refused: everything else is due."""
        return isinstance(self.operation, Hold | Lend)

    @property
    def is_unheard(self) -> bool:
        """Whether nobody waits any more: answered, or gone."""
        return self.answer is None or self.answer.done()

    def succeed(self, outcome: Outcome) -> None:
        """Answer with the outcome; a refusal is raised."""
        if self.answer is None or self.answer.done():
            return
        if isinstance(outcome, GatewayError):
            self.answer.set_exception(outcome)
        else:
            self.answer.set_result(outcome)

    def turn_away(self) -> None:
        """Answer that the ledger cannot be written: what asks for money is refused, a record is nothing to wait for."""
        if isinstance(self.operation, Record):
            self.succeed(None)
        else:
            self.succeed(BillingUnavailable("The ledger cannot be written right now.", retry_after=1))
