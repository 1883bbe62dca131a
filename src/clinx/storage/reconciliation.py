"""Compares entries with what they were written for: holds, request logs, sums of spend, orders, codes.

Programs that only read; see `clinx.storage.audit`. Imported by `billing` only.
"""
# ruff: noqa: S608  (statements are put together of constants only)

from __future__ import annotations

from typing import Final

from clinx.domain.ledger import EntryKind
from clinx.domain.money import ZERO, Amount
from clinx.storage import audit
from clinx.storage.audit import MOST, Breach, Compared, Window
from clinx.storage.program import Program, fetch

_LEGACY: Final = "rtrim({event}, '0123456789') LIKE 'settle:_%:'"
"""Whether an event is named as before an exchange held once: ``settle:<request>:<attempt>``."""
_REQUEST: Final = (
    f"CASE WHEN {_LEGACY} THEN substr(rtrim(rtrim({{event}}, '0123456789'), ':'), 8) ELSE substr({{event}}, 8) END"
)
_FORMS: Final = "('settle:' || {id}, 'settle:' || {id} || ':1', 'settle:' || {id} || ':2', 'settle:' || {id} || ':3')"
"""Every name that the settlement of a request may have: an exchange never made more than three attempts."""
_OF_HOLD: Final = f"JOIN reservation r ON r.id = {_REQUEST.format(event='e.event')}"
_OF_LOG: Final = f"JOIN request_log l ON l.id = {_REQUEST.format(event='e.event')}"
_SETTLED: Final = "e.event LIKE 'settle:%' AND e.account LIKE 'user:%'"


def resolutions(window: Window) -> Program[Compared]:
    """Find requests settled more than once, and settlements that differ from their hold's reservation.

    Holds out of a lease have no reservation: of them only the first. A reservation that says it was settled and has no
    entry is found when all of the history is asked about.
    """
    count = yield from audit.count_of(f"SELECT COUNT(*) FROM {window.entries()} AND {_SETTLED}", window.after)
    breaches = yield from _settled_twice(window)
    differing = yield from fetch(
        "SELECT e.event, CASE WHEN r.state = 'settled' AND 'user:' || r.user_id = e.account"
        " THEN COALESCE(r.charge, 0) ELSE 0 END AS owed, -e.amount, e.account"
        f" FROM {window.entries(_OF_HOLD)} AND {_SETTLED}"
        " AND (r.state <> 'settled' OR COALESCE(r.charge, 0) <> -e.amount OR 'user:' || r.user_id <> e.account)"
        f" ORDER BY e.id LIMIT {MOST}",
        window.after,
    )
    breaches += [Breach(event, Amount(owed), Amount(paid), (account,)) for event, owed, paid, account in differing]
    if window.is_whole:
        missing = yield from fetch(
            "SELECT r.id, r.charge, 'user:' || r.user_id FROM reservation r WHERE r.state = 'settled' AND r.charge <> 0"
            f" AND NOT EXISTS (SELECT 1 FROM entry e WHERE e.event IN {_FORMS.format(id='r.id')}"
            f" AND e.account = 'user:' || r.user_id) ORDER BY r.id LIMIT {MOST}"
        )
        breaches += [Breach(f"settle:{id_}", Amount(charge), ZERO, (account,)) for id_, charge, account in missing]
    return Compared(count, breaches)


def _settled_twice(window: Window) -> Program[list[Breach]]:
    same = yield from fetch(
        f"SELECT e.event, COUNT(*) FROM {window.events}"
        f" AND {_SETTLED} GROUP BY e.event HAVING COUNT(*) > 1 ORDER BY e.event LIMIT {MOST}",
        window.after,
    )
    forms = _FORMS.format(id=_REQUEST.format(event="e.event"))
    other = yield from fetch(
        "SELECT event, count FROM (SELECT e.id, e.event, (SELECT COUNT(*) FROM entry o WHERE o.account LIKE 'user:%'"
        f" AND o.event IN {forms}) AS count FROM {window.entries()} AND {_SETTLED}"
        f" AND {_LEGACY.format(event='e.event')}) AS s"
        f" WHERE count > 1 ORDER BY id LIMIT {MOST}",
        window.after,
    )
    counts: dict[str, int] = {event: times for event, times in [*same, *other]}  # noqa: C416  (rows are no tuples)
    owners = yield from audit.owners_of(counts)
    return [Breach(f"{event} settled", 1, counts[event], owners[event]) for event in sorted(counts)]


_CREDITS: Final = (
    "WITH claim AS MATERIALIZED ("
    "SELECT 'topup:' || provider || ':' || id AS event, 'user:' || user_id AS account, amount, settled_at AS at"
    " FROM topup_order WHERE state = 'paid'"
    " UNION ALL SELECT 'redeem:' || id, 'user:' || COALESCE(redeemed_by, 0), amount, redeemed_at"
    " FROM code WHERE state = 'redeemed')"
)
_CREDIT: Final = "e.account LIKE 'user:%' AND e.amount > 0 AND (e.event LIKE 'topup:%' OR e.event LIKE 'redeem:%')"


def credited(window: Window) -> Program[Compared]:
    """Compare paid orders and redeemed codes with credits: each has one, of its amount, to its user."""
    count = yield from audit.count_of(f"SELECT COUNT(*) FROM {window.entries()} AND {_CREDIT}", window.after)
    twice = yield from fetch(
        f"SELECT e.event, COUNT(*) FROM {window.events}"
        f" AND {_CREDIT} GROUP BY e.event HAVING COUNT(*) > 1 ORDER BY e.event LIMIT {MOST}",
        window.after,
    )
    unclaimed = yield from fetch(
        f"{_CREDITS} SELECT e.event, COALESCE(c.amount, 0), e.amount, e.account"
        f" FROM {window.entries('LEFT JOIN claim c ON c.event = e.event AND c.account = e.account')}"
        f" AND {_CREDIT} AND (c.amount IS NULL OR c.amount <> e.amount) ORDER BY e.id LIMIT {MOST}",
        window.after,
    )
    missing = yield from fetch(
        f"{_CREDITS} SELECT c.event, c.amount, 0, c.account FROM claim c WHERE (c.at IS NULL OR c.at >= $1)"
        " AND NOT EXISTS (SELECT 1 FROM entry e WHERE e.event = c.event AND e.account = c.account AND e.amount > 0)"
        f" ORDER BY c.event LIMIT {MOST}",
        window.since_micros,
    )
    owners = yield from audit.owners_of([row[0] for row in twice])
    return Compared(
        count,
        [Breach(f"{event} credited", 1, times, owners[event]) for event, times in twice]
        + [
            Breach(f"{event} to {account}", Amount(due), Amount(paid), (account,))
            for event, due, paid, account in [*unclaimed, *missing]
        ],
    )


AGREES: Final = (
    "(l.charge = 0 OR EXISTS (SELECT 1 FROM entry e"
    f" WHERE e.event IN {_FORMS.format(id='l.id')} AND e.account LIKE 'user:%' AND e.amount = -l.charge))"
)
"""Whether a log ``l`` says what its entries say: the condition on which it may leave for a database of its own."""


def logs(window: Window) -> Program[Compared]:
    """Compare what was charged for a request with what its log says.

    A log is written with its entries and later trimmed by age or moved to a database of logs, which it is not before
    it was compared (`AGREES`); entries are kept. So each log that says something was charged has its settlement, and
    each settlement whose log is still here says the same.
    """
    charged = "l.charge <> 0 AND l.at >= $1"
    count = yield from audit.count_of(f"SELECT COUNT(*) FROM request_log l WHERE {charged}", window.since_micros)
    differing = yield from fetch(
        f"SELECT e.event, -e.amount, l.charge, e.account FROM {window.entries(_OF_LOG)}"
        f" AND {_SETTLED} AND l.charge <> -e.amount ORDER BY e.id LIMIT {MOST}",
        window.after,
    )
    unbooked = yield from fetch(
        f"SELECT l.id, l.charge, l.user_id FROM request_log l WHERE {charged}"
        f" AND NOT EXISTS (SELECT 1 FROM entry e WHERE e.event IN {_FORMS.format(id='l.id')}"
        f" AND e.account LIKE 'user:%') ORDER BY l.at LIMIT {MOST}",
        window.since_micros,
    )
    return Compared(
        count,
        [Breach(f"log of {event}", Amount(paid), Amount(said), (owner,)) for event, paid, said, owner in differing]
        + [
            Breach(f"log of settle:{id_}", ZERO, Amount(said), () if user is None else (f"user:{user}",))
            for id_, said, user in unbooked
        ],
    )


def spend() -> Program[list[Breach]]:
    """Find users whose sums of spend by day are not, all together, what they were charged.

    Days are those of the logs, and a settlement may be written later, so single days are not compared. Charges that
    are older than those sums are told by the names of their events, and left out.
    """
    rows = yield from fetch(
        "SELECT account, CAST(SUM(charged) AS bigint), CAST(SUM(summed) AS bigint) FROM"
        " (SELECT e.account, -SUM(e.amount) AS charged, 0 AS summed FROM entry e"
        f" WHERE {_SETTLED} AND e.kind = '{EntryKind.CHARGE}' AND NOT ({_LEGACY.format(event='e.event')})"
        " GROUP BY e.account"
        " UNION ALL SELECT 'user:' || user_id, 0, SUM(charge) FROM spend GROUP BY user_id) AS s"
        f" GROUP BY account HAVING SUM(charged) <> SUM(summed) ORDER BY account LIMIT {MOST}"
    )
    return [
        Breach(f"spend of {account}", Amount(charged), Amount(summed), (account,)) for account, charged, summed in rows
    ]
