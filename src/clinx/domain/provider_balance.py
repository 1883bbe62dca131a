"""What is left on an account at a vendor's: how it is asked, and how the answer is read, exactly."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal
from enum import StrEnum
from typing import Final, TypeAlias, cast

from clinx.domain.template import Template

Steps: TypeAlias = tuple[str | int, ...]
"""Where something stands in an answer: names of members and indexes of items."""

_AMOUNT: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,30})?")
_WIDEST: Final = 40
"""Digits before or after the point beyond which a number is not even written out."""
_CURRENCY: Final = re.compile(r"[A-Za-z]{2,10}")
_EXACT: Final = Context(prec=120)
"""Wide enough for the difference of two amounts, whatever they are divided by."""


@dataclass(frozen=True, slots=True)
class BalanceQuestion:
    """A request that a vendor answers with figures."""

    method: str
    path: Template
    query: tuple[tuple[str, Template], ...] = ()
    headers: tuple[tuple[str, Template], ...] = ()
    """Beside those that present the key anyway."""


@dataclass(frozen=True, slots=True)
class Figure:
    """Where an amount stands in an answer."""

    at: Steps
    per: int = 1
    """How many of what stands there make one of the currency: 100 where it is cents. It has no factors but 2 and 5."""


@dataclass(frozen=True, slots=True)
class BalanceRule:
    """How a provider is asked what is left."""

    question: BalanceQuestion
    value: Figure
    currency: str | Steps
    """Its code, or where in the first answer that stands."""
    minus: Figure | None = None
    """What was used of it, where the vendor does not say what is left."""
    minus_question: BalanceQuestion | None = None
    """What `minus` is read from; None is the answer to the first question."""


class BalanceCode(StrEnum):
    """Why there is no balance."""

    REFUSED = "refused"
    """The vendor answered with another status than 200."""
    UNREADABLE = "unreadable"
    """Its answer does not hold what the provider's file says."""
    UNREACHABLE = "unreachable"
    """It did not answer, or not in time."""


@dataclass(frozen=True, slots=True)
class ProviderBalance:
    """What a vendor said when it was last asked with one credential."""

    credential: str
    """Its fingerprint."""
    at: datetime
    amount: Decimal | None = None
    currency: str | None = None
    code: BalanceCode | None = None
    """Why there is no amount."""
    cause: str | None = None
    """Why there is none, in words for operators."""

    @property
    def shown(self) -> str | None:
        """The amount with all its digits."""
        return None if self.amount is None else f"{self.amount:f}"


class UnreadableAnswer(ValueError):
    """An answer that does not hold what it should; the message quotes nothing of it."""


def read_document(body: bytes) -> object:
    """Read an answer; its numbers are decimals.

    Raises:
        UnreadableAnswer: it is no JSON.
    """
    try:
        return json.loads(body, parse_float=Decimal, parse_int=Decimal, parse_constant=lambda _: None)
    except (ValueError, ArithmeticError, RecursionError):
        raise UnreadableAnswer("the answer is no JSON") from None


def read_balance(rule: BalanceRule, answer: object, used: object) -> tuple[Decimal, str]:
    """Return what is left and its currency, out of the answers that `value` and `minus` are read from.

    Raises:
        UnreadableAnswer: something does not stand where the rule says, or is not what it should be.
    """
    amount = _amount(rule.value, answer)
    if rule.minus is not None:
        amount = _EXACT.subtract(amount, _amount(rule.minus, used))
    return amount, _currency(rule.currency, answer)


def written(steps: Steps) -> str:
    """Write a place as the tree has it: ``balance_infos[0].total_balance``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")


def _amount(figure: Figure, document: object) -> Decimal:
    found = _found(figure.at, document)
    text = found if isinstance(found, str) else ""
    if isinstance(found, Decimal) and abs(found.adjusted()) < _WIDEST:
        text = f"{found:f}"
    if _AMOUNT.fullmatch(text) is None:
        raise UnreadableAnswer(f"{written(figure.at)} is no decimal number")
    return _EXACT.divide(Decimal(text), Decimal(figure.per))


def _currency(currency: str | Steps, document: object) -> str:
    if isinstance(currency, str):
        return currency
    found = _found(currency, document)
    if not isinstance(found, str) or _CURRENCY.fullmatch(found) is None:
        raise UnreadableAnswer(f"{written(currency)} is no currency")
    return found.upper()


def _found(steps: Steps, document: object) -> object:
    found = document
    for step in steps:
        if isinstance(step, str) and isinstance(found, dict):
            found = cast("dict[str, object]", found).get(step)
        elif isinstance(step, int) and isinstance(found, list):
            items = cast("list[object]", found)
            found = items[step] if -len(items) <= step < len(items) else None
        else:
            found = None
    if found is None:
        raise UnreadableAnswer(f"there is no {written(steps)} in the answer")
    return found
