import asyncio

import pytest

from clinx.billing.operations import Direct, Loan
from clinx.billing.pocket import Pocket
from clinx.billing.repayment import Repayments
from clinx.domain.identity import Principal
from clinx.domain.money import Amount
from clinx.errors import BillingUnavailable
from clinx.telemetry.tasks import Supervisor


class Slow:
    """A lender that takes back when it is told to."""

    def __init__(self) -> None:
        self.repaid: list[tuple[str, int]] = []
        self.gate = asyncio.Event()
        self.failure: Exception | None = None

    async def lend(self, principal: Principal, least: Amount, wish: Amount) -> Loan | Direct:
        raise NotImplementedError

    async def repay(self, scope: str, returned: Amount) -> None:
        self.repaid.append((scope, returned.nano))
        await self.gate.wait()
        if self.failure:
            raise self.failure


def pocket_with(nano: int) -> Pocket:
    pocket = Pocket("user:1", 0)
    pocket.receive(nano)
    return pocket


async def test_what_is_left_leaves_the_pocket_before_it_is_sent(supervisor: Supervisor):
    lender, pocket = Slow(), pocket_with(10)
    repayments = Repayments(lender, supervisor)

    task = repayments.begin(pocket)

    assert task is not None
    assert (pocket.left, pocket.returned, repayments.is_under_way(pocket)) == (0, 10, True)
    lender.gate.set()
    await task
    await asyncio.sleep(0)
    assert (lender.repaid, repayments.is_under_way(pocket)) == ([("user:1", 10)], False)
    assert repayments.begin(pocket) is None


async def test_who_waits_waits_for_what_was_begun_before(supervisor: Supervisor):
    lender, pocket = Slow(), pocket_with(10)
    repayments = Repayments(lender, supervisor)
    repayments.begin(pocket)
    waiting = asyncio.ensure_future(repayments.make([pocket, Pocket("user:2", 0)]))  # noqa: TID251  (in flight)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()

    lender.gate.set()

    assert await waiting is True
    assert lender.repaid == [("user:1", 10)]
    assert await repayments.make([pocket]) is False


async def test_the_newest_is_about_everything_before_it(supervisor: Supervisor):
    lender, pocket = Slow(), pocket_with(10)
    repayments = Repayments(lender, supervisor)
    first = repayments.begin(pocket)
    pocket.receive(15)
    second = repayments.begin(pocket)
    assert first is not None
    assert second is not None
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})

    assert repayments.is_under_way(pocket)
    lender.gate.set()
    await second
    assert lender.repaid == [("user:1", 10), ("user:1", 15)]


async def test_a_lender_that_is_away_is_no_defect(supervisor: Supervisor, caplog: pytest.LogCaptureFixture):
    lender, pocket = Slow(), pocket_with(10)
    lender.failure = BillingUnavailable("away")
    lender.gate.set()

    assert await Repayments(lender, supervisor).make([pocket]) is True

    assert (pocket.left, pocket.returned) == (0, 10)
    assert caplog.records == []
