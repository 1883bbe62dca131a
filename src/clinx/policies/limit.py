"""``limit``: so many requests, tokens or units of money in a span of time, or so many calls at a time."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, assert_never

from msgspec import Struct

from clinx.domain.money import Amount
from clinx.domain.usage import Usage
from clinx.errors import RateLimited
from clinx.policies.subject import Scope, Subject, words
from clinx.state import keys
from clinx.state.base import SLICES, Change, Claim, Slots, Window

LEASE: Final = 60_000
"""Milliseconds for which a slot is held without being renewed: how long those of a killed process stay taken."""


class Measure(StrEnum):
    """What is counted."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    AMOUNT = "amount"
    CONCURRENCY = "concurrency"


class LimitRule(Struct, frozen=True):
    """One limit."""

    name: str
    measure: Measure
    most: int
    """Requests, tokens, nano-units of money or calls at a time."""
    milliseconds: int = 0
    """The window; 0 where calls at a time are counted."""
    sliding: bool = True
    of: tuple[Scope, ...] = (Scope.USER,)
    success_only: bool = False
    """Whether a request that failed is given back."""
    closed: bool = False
    """Whether nothing passes while processes cannot count together; else this one counts for itself."""
    message: str | None = None
    place: str = ""
    """Where it is written: ``policies/limits.yaml:3:5``."""

    @property
    def is_by_channel(self) -> bool:
        """Whether it counts channels apart, and so attempts instead of exchanges."""
        return Scope.CHANNEL in self.of

    def claim(self, subject: Subject) -> Claim:
        """Return what an exchange takes of this limit when it begins."""
        who = subject.key(self.of)
        if self.measure is Measure.CONCURRENCY:
            return Slots(keys.slots(self.name, who), self.most, LEASE)
        return Window(
            key=keys.window(
                self.name, f"{self.measure}-{'sliding' if self.sliding else 'fixed'}", self.milliseconds, who
            ),
            most=self.most,
            width=-(-self.milliseconds // SLICES) if self.sliding else self.milliseconds,
            back=SLICES if self.sliding else 0,
            amount=1 if self.measure is Measure.REQUESTS else 0,
        )

    def change(self, claim: Claim, slice_: int, *, success: bool, usage: Usage, charge: Amount) -> Change | None:
        """Return what is changed of the claim when the exchange has ended."""
        used = usage.input_tokens + usage.output_tokens
        match self.measure:
            case Measure.REQUESTS:
                # Whoever leaves in the middle of an answer had what there was of it.
                failed = not success and not used and not charge
                return Change(claim, -1, slice_) if self.success_only and failed else None
            case Measure.TOKENS:
                return Change(claim, used) if used else None
            case Measure.AMOUNT:
                return Change(claim, charge.nano) if charge.nano > 0 else None
            case Measure.CONCURRENCY:
                return Change(claim)
            case _:
                assert_never(self.measure)

    def undoing(self, claim: Claim, slice_: int) -> Change | None:
        """Return what is changed of the claim when nothing came of the exchange, as if it had never begun."""
        if self.measure is Measure.CONCURRENCY:
            return Change(claim)
        return Change(claim, -1, slice_) if self.measure is Measure.REQUESTS else None

    def refusal(self, milliseconds: int | None) -> RateLimited:
        """Say that the limit is used up, and for how long."""
        seconds = max(1, -(-(milliseconds or 0) // 1000))
        counted = f"{self._most()} for {words(self.of)}"
        says = f"{self.message} " if self.message else ""
        hint = "Wait for one of them to end." if self.measure is Measure.CONCURRENCY else f"Try again in {seconds} s."
        return RateLimited(
            f"{says}The limit {self.name!r} is reached: {counted}.", hint=hint, retry_after=float(seconds)
        )

    def _most(self) -> str:
        match self.measure:
            case Measure.CONCURRENCY:
                return f"{self.most} {'call' if self.most == 1 else 'calls'} at a time"
            case Measure.AMOUNT:
                return f"an amount of {Amount(self.most)} in {span(self.milliseconds)}"
            case Measure.REQUESTS | Measure.TOKENS:
                what = self.measure.removesuffix("s") if self.most == 1 else self.measure
                return f"{self.most} {what} in {span(self.milliseconds)}"
            case _:
                assert_never(self.measure)


def span(milliseconds: int) -> str:
    """Write a span as operators do: ``1m``, ``90s``, ``1d``."""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"
