from __future__ import annotations

from clinx.billing.audit import INVARIANTS, Breach, Check, Report
from clinx.domain.money import Amount
from support.database import START
from support.station import NODE, Station

SYSTEM = """{ system {
  version node revision now workers { node } journal { waiting isFailing isFenced isRecovered }
  books { at isFull ok checks { rule title compared noun breaches { subject expected actual accounts } } }
} }"""


async def test_the_gateway_is_told_as_this_process_knows_it(station: Station) -> None:
    system = (await station.data(SYSTEM, await station.viewer()))["system"]

    assert {**system, "version": None} == {
        "version": None,
        "node": NODE,
        "revision": station.current.snapshot.revision.id,
        "now": "2030-01-01T00:00:00Z",
        "workers": [],
        "journal": {"waiting": 3, "isFailing": False, "isFenced": False, "isRecovered": True},
        "books": None,
    }


async def test_the_last_audit_is_told_with_its_breaches(station: Station) -> None:
    breach = Breach("user:1", Amount.parse("1"), Amount.parse("2"), ("user:1",))
    checks = [Check(code, 4, (breach,) if code == "I2" else ()) for code in INVARIANTS]
    station.audited.append(Report(START, True, tuple(checks)))

    books = (await station.data(SYSTEM, await station.viewer()))["system"]["books"]

    assert (books["ok"], books["isFull"], len(books["checks"])) == (False, True, 8)
    assert books["checks"][1] == {
        "rule": "I2",
        "title": "each balance is the sum of its entries",
        "compared": 4,
        "noun": "accounts",
        "breaches": [{"subject": "user:1", "expected": "1", "actual": "2", "accounts": ["user:1"]}],
    }
