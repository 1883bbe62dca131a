import asyncio
from datetime import timedelta

import pytest

from clinx.billing.operations import Hold, Operation, Outcome, Record, Release, Resolution, Settle
from clinx.billing.ticket import Ticket
from clinx.domain.ledger import Reservation
from clinx.domain.money import ZERO
from clinx.errors import BillingUnavailable, InternalError
from support.database import START, request_log

RESERVATION = Reservation("req-1", 1, 2, ZERO, "r1")
HOLD = Hold(RESERVATION, START + timedelta(hours=1))
DUE: list[Operation] = [Settle(RESERVATION, ZERO, request_log("req-1")), Release(RESERVATION, None)]


def ticket(operation: Operation) -> tuple[Ticket, asyncio.Future[Outcome]]:
    answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    return Ticket(operation, answer), answer


async def test_the_first_answer_stands():
    asked, answer = ticket(DUE[0])
    assert not asked.is_unheard

    asked.succeed(Resolution.SETTLED)
    asked.succeed(InternalError("too late"))
    asked.turn_away()

    assert asked.is_unheard
    assert answer.result() is Resolution.SETTLED


@pytest.mark.parametrize("operation", [HOLD, *DUE])
async def test_whoever_waits_for_money_hears_that_it_cannot_be_written(operation: Operation):
    asked, answer = ticket(operation)

    asked.turn_away()

    with pytest.raises(BillingUnavailable) as caught:
        await answer
    assert (caught.value.message, caught.value.retry_after) == ("The ledger cannot be written right now.", 1)


async def test_a_record_is_nothing_to_wait_for():
    asked, answer = ticket(Record(request_log("req-1")))

    asked.turn_away()

    assert answer.result() is None


async def test_nobody_needs_to_ask_and_whoever_leaves_is_not_answered():
    asked, answer = ticket(HOLD)
    answer.cancel()
    asked.succeed(RESERVATION)
    assert asked.is_unheard

    unasked = Ticket(Release(RESERVATION, None), None)
    unasked.turn_away()
    assert unasked.is_unheard
    assert [asked.is_refusable, unasked.is_refusable] == [True, False]
