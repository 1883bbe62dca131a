from billing.journal.samples import held, progress, release, settle
from clinx.billing.journal.frames import Frames
from clinx.billing.journal.holds import Holds, OpenHold
from clinx.billing.journal.records import JournalRecord, frame
from clinx.domain.ledger import Origin, Unresolved
from clinx.domain.money import ZERO, Amount

OLD = Origin("node_1", 1)
NEW = Origin("node_1", 2)


def hear(holds: Holds, *records: JournalRecord, origin: Origin = OLD) -> None:
    for each in Frames(b"".join(map(frame, records))):
        holds.hear(each, origin)


def test_a_hold_is_open_until_it_is_settled_or_released():
    holds = Holds()
    hear(holds, held("a"), held("b"), held("c"), settle("a"), release("c"))

    assert holds.open() == {"b": OpenHold(held("b"), Amount(100), ZERO, Unresolved.METERED, OLD)}


def test_the_last_progress_counts():
    holds = Holds()
    hear(holds, held("a"), progress("a", 10, 100), progress("a", 70, 200))

    assert holds.open() == {"a": OpenHold(held("a"), Amount(200), Amount(70), Unresolved.HOLD, OLD)}


def test_a_hold_that_is_repeated_is_the_same_and_belongs_to_who_made_it():
    holds = Holds()
    hear(holds, held("a"), progress("a", 10))
    hear(holds, held("a", 150), origin=NEW)

    assert holds.open() == {"a": OpenHold(held("a", 150), Amount(100), Amount(10), Unresolved.HOLD, OLD)}


def test_a_hold_that_is_repeated_after_its_end_stays_ended():
    holds = Holds()
    hear(holds, held("a"), settle("a"), held("a"), progress("a", 5))

    assert holds.open() == {}


def test_the_end_of_a_hold_nobody_has_seen_is_nothing():
    holds = Holds()
    hear(holds, settle("a"), release("b"), progress("c", 5))

    assert holds.open() == {}


def test_what_it_costs_us_is_what_was_said_last():
    """Also where that is nothing: another channel has it now, and does not say."""
    holds = Holds()
    hear(holds, held("a", cost=2), held("b", cost=2), progress("b", 10, cost=7), held("c", cost=2), progress("c", 10))

    assert {id_: each.cost for id_, each in holds.open().items()} == {"a": Amount(2), "b": Amount(7), "c": None}
