"""Redemption codes: money on a slip of paper. Made in batches, shown once, redeemed once.

A code has 130 random bits and a character that checks them. Only its SHA-256 is kept, and a hint to tell it by.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from clinx.billing import crockford, transfer
from clinx.billing.failures import (
    CodeDisabled,
    CodeExpired,
    CodeMistyped,
    CodeRefused,
    CodeUnknown,
    CodeUsed,
    OfferInvalid,
)
from clinx.billing.once import Claim, once
from clinx.billing.transfer import Transfer, describe
from clinx.domain.identity import User
from clinx.domain.ledger import PROMO, EntryKind
from clinx.domain.money import ZERO, Amount
from clinx.storage import codes
from clinx.storage.codec import clean, decode_json, encode_json
from clinx.storage.codes import BatchOfCodes, Code, CodeState, NewCode
from clinx.storage.database import Database
from clinx.storage.program import Program

MOST: Final = 10_000
"""Codes of one batch."""
_PREFIX: Final = "CLX"
_BITS: Final = 130
_SIGNS: Final = 26
"""Characters that hold the bits; the one that checks them follows."""
LONGEST_MAKER: Final = 64
"""Characters that are kept of who made a batch."""
_LONGEST_NAME: Final = 64
_LONGEST_ENTRY: Final = 100
_LONGEST_ID: Final = 18

Draw = Callable[[int], int]
"""So many random bits."""
Allow = Callable[[Amount], Program[None]]
"""Lets a batch pass that is worth so much, in the transaction that makes it, or raises."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What each code of a batch is to be: its amount, what people call it, and until when it is good."""

    name: str
    amount: Amount
    count: int = 1
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Printed:
    """A new batch, with its codes: the only time anybody sees them."""

    batch: str
    codes: tuple[str, ...] = field(repr=False)
    """None at all when the batch was made before, under the same key."""


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a code gave."""

    code_id: int
    amount: Amount


@dataclass(frozen=True, slots=True)
class Own:
    """A key of a user's own: what is asked for twice under it is done once."""

    user_id: int
    key: str
    allow: Allow | None = None
    """Of a batch: asked before it is made; None lets any pass."""


async def create(
    database: Database,
    offer: Offer,
    *,
    actor: str,
    at: datetime,
    own: Own | None = None,
    draw: Draw = secrets.randbits,
) -> Printed:
    """Make a batch of codes, once for a key of one's own.

    Raises:
        OfferInvalid: no or too many codes, an amount that is not positive, an expiry that is over, a name too long.
        KeyReused: the key was used for something else.
        SecondPersonNeeded: it is worth more than is allowed.
        StorageUnavailable: the database cannot be written now.
    """
    _check(offer, at)
    batch = f"batch_{draw(64):016x}"
    texts = tuple(_print(draw) for _ in range(offer.count))
    new = [
        NewCode(
            _digest(text),
            _hint(text),
            batch,
            offer.name,
            offer.amount,
            clean(actor, LONGEST_MAKER),
            at,
            offer.expires_at,
        )
        for text in texts
    ]
    if own is None:
        await transfer.persist(database, lambda: codes.insert(new))
        return Printed(batch, tuple(_show(text) for text in texts))
    asked = encode_json([offer.name, offer.amount.nano, offer.count, offer.expires_at])
    claim = Claim(own.user_id, own.key, "code_batch", asked, at)
    made, is_new = await transfer.persist(database, lambda: once(claim, lambda: _insert(new, batch, own.allow)))
    return Printed(made, tuple(_show(text) for text in texts) if is_new else ())


def _insert(new: list[NewCode], batch: str, allow: Allow | None) -> Program[str]:
    if allow is not None:
        yield from allow(Amount(sum(code.amount.nano for code in new)))
    yield from codes.insert(new)
    return batch


async def redeem(database: Database, user: User, code: str, *, at: datetime, key: str | None = None) -> Redeemed:
    """Give a user what a code is worth, out of ``promo``: once, however many try it at the same time.

    Under a key of the user's own, asking again for the same tells what it gave.

    Raises:
        CodeMistyped: this is no code; nothing was looked up.
        CodeUnknown, CodeUsed, CodeExpired, CodeDisabled: it gives nothing, and nothing changed.
        KeyReused: the user used the key for something else.
        StorageUnavailable: the database cannot be written now.
    """
    digest = _digest(_read(code))
    if key is None:
        return await transfer.persist(database, lambda: _redeem(user, digest, at))
    claim = Claim(user.id, key, "code_redemption", digest, at)
    given, _ = await transfer.persist(database, lambda: once(claim, lambda: _redeem_noted(user, digest, at)))
    code_id, nano = decode_json(given)
    return Redeemed(code_id, Amount(nano))


def _redeem_noted(user: User, digest: str, at: datetime) -> Program[str]:
    redeemed = yield from _redeem(user, digest, at)
    return encode_json([redeemed.code_id, redeemed.amount.nano])


async def batches(database: Database, *, at: datetime) -> list[BatchOfCodes]:
    """Return all batches, oldest first, with how many of their codes are in which state."""
    return await codes.batches(database, at)


async def of_batch(database: Database, batch: str) -> list[Code]:
    """Return the codes of a batch, in the order they were made; none of one that does not exist."""
    return await codes.of_batch(database, batch)


async def disable(database: Database, reference: str) -> int:
    """Withdraw a batch, or one code by its id, its hint or itself; return how many were open and are not any more.

    Raises:
        CodeUnknown: there is none, or the hint is that of several: then the id is needed.
    """
    if reference.startswith("batch_"):
        if not await codes.of_batch(database, reference):
            raise CodeUnknown(f"there is no batch {reference!r}")
        return await database.atomically(codes.disable_batch(reference))
    return await database.atomically(codes.disable((await _find(database, reference)).id))


def _redeem(user: User, digest: str, at: datetime) -> Program[Redeemed]:
    code = yield from codes.claim(digest, user.id, at)
    if code is None:
        found = yield from codes.look_up(digest)
        raise _refusal(found, user)
    detail = describe(code=code.hint, batch=code.batch, name=code.name)
    yield from transfer.execute(
        Transfer(f"redeem:{code.id}", PROMO, user.account, code.amount, EntryKind.REDEMPTION, at, detail)
    )
    return Redeemed(code.id, code.amount)


def _refusal(code: Code | None, user: User) -> CodeRefused:
    if code is None:
        return CodeUnknown("there is no such code")
    if code.state is CodeState.DISABLED:
        return CodeDisabled("this code was withdrawn")
    if code.state is CodeState.REDEEMED:
        return CodeUsed(f"this code was redeemed before{', by you' if code.redeemed_by == user.id else ''}")
    return CodeExpired("this code has expired")


async def _find(database: Database, reference: str) -> Code:
    found = await _matches(database, reference)
    if not found:
        raise CodeUnknown(f"there is no code {_mask(reference)!r}; `clinx code list --batch BATCH` shows ids and hints")
    if len(found) > 1:
        raise CodeUnknown(f"several codes look like {reference!r}: use the id")
    return found[0]


async def _matches(database: Database, reference: str) -> list[Code]:
    if reference.isascii() and reference.isdigit() and len(reference) <= _LONGEST_ID:
        found = await codes.get(database, int(reference))
        return [found] if found else []
    try:
        found = await database.atomically(codes.look_up(_digest(_read(reference))))
    except CodeMistyped:
        hint = reference.upper().removesuffix("...").removesuffix("…")
        return await codes.find_by_hint(database, f"{hint}…")
    return [found] if found else []


def _check(offer: Offer, at: datetime) -> None:
    if not 1 <= offer.count <= MOST:
        raise OfferInvalid(f"a batch has 1 to {MOST} codes", what="count", most=MOST)
    if offer.amount <= ZERO:
        raise OfferInvalid("a code is worth something", what="amount")
    if offer.expires_at is not None and offer.expires_at <= at:
        raise OfferInvalid("a code may not expire before it is made", what="expires_at")
    if not offer.name.isprintable() or not 1 <= len(offer.name) <= _LONGEST_NAME:
        raise OfferInvalid(f"a batch's name has 1 to {_LONGEST_NAME} printable characters", what="name")


def _print(draw: Draw) -> str:
    while (text := crockford.seal(draw(_BITS), _SIGNS)) is None:
        pass  # Five in 37 need a check character that is no letter or digit.
    return text


def _read(code: str) -> str:
    """Return a code as it was made, without prefix and hyphens."""
    bare = crockford.compact(code[:_LONGEST_ENTRY])
    if len(bare) == len(_PREFIX) + _SIGNS + 1:
        bare = bare.removeprefix(_PREFIX)
    text = crockford.read(bare)
    if text is None or len(text) != _SIGNS + 1 or not crockford.is_sealed(text):
        raise CodeMistyped("this is not a code: look for a wrong or missing character")
    return text


def _show(text: str) -> str:
    return "-".join([_PREFIX, *(text[start : start + 5] for start in range(0, len(text), 5))])


def _hint(text: str) -> str:
    return f"{_show(text)[:13]}…"


def _mask(reference: str) -> str:
    """Keep a whole code out of messages."""
    return reference if len(reference) <= len(_PREFIX) + _SIGNS else f"{reference[:13]}…"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
