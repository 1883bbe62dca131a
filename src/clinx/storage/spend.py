"""What was spent on each day, by user, token, model and group: sums that settlements add to."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from clinx.domain.money import Amount
from clinx.storage.codec import clean
from clinx.storage.program import Program, execute, json_rows

MODEL = 255
GROUP = 64


class SpendKey(Struct, frozen=True, order=True):
    """What a sum is kept under."""

    user_id: int
    day: int
    """Days since 1970, in UTC."""
    token_id: int
    model: str
    """Empty when there was none."""
    group: str

    @classmethod
    def of(cls, user_id: int, day: int, token_id: int, model: str | None, group: str | None) -> SpendKey:
        """Make a key of names as callers wrote them."""
        return cls(user_id, day, token_id, clean(model or "", MODEL), clean(group or "", GROUP))


class Spend(Struct, frozen=True):
    """What is added to a sum."""

    key: SpendKey
    calls: int
    charge: Amount
    input_tokens: int
    output_tokens: int


def add(rows: Iterable[Spend]) -> Program[None]:
    """Add to sums; each key occurs once. The users' accounts must have been locked."""
    ordered = sorted(rows, key=lambda row: row.key)
    if not ordered:
        return
    yield from execute(
        'INSERT INTO spend (user_id, day, token_id, model, "group", calls, charge, input_tokens, output_tokens)'
        " SELECT CAST(value ->> 0 AS bigint), CAST(value ->> 1 AS integer), CAST(value ->> 2 AS bigint), value ->> 3,"
        " value ->> 4, CAST(value ->> 5 AS bigint), CAST(value ->> 6 AS bigint), CAST(value ->> 7 AS bigint),"
        " CAST(value ->> 8 AS bigint) FROM json_array_elements($1) WHERE true"
        ' ON CONFLICT (user_id, day, token_id, model, "group") DO UPDATE SET calls = spend.calls + excluded.calls,'
        " charge = spend.charge + excluded.charge, input_tokens = spend.input_tokens + excluded.input_tokens,"
        " output_tokens = spend.output_tokens + excluded.output_tokens",
        json_rows(
            (k.user_id, k.day, k.token_id, k.model, k.group, s.calls, s.charge.nano, s.input_tokens, s.output_tokens)
            for s in ordered
            for k in (s.key,)
        ),
    )
