"""A revision on trial: who gets it, what is counted, and when it is promoted or rejected. Pure: nothing moves here.

Only what is the gateway's or an upstream's fault counts as a failure: a caller's mistake says nothing of a tree.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from clinx.errors import CallerError, ClientGone, GatewayError, ShuttingDown, UpstreamRefused

_PARTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Rollout:
    """How a tree wants to take the place of the one before it."""

    share: float = 0.0
    """Of the callers, by their keys; 0.0 is none."""
    group: str | None = None
    """A group whose callers get it as well."""
    seconds: float = 600.0
    """How long the trial lasts."""
    max_errors: float = 0.02
    """By how much the share of failed calls may exceed that of the revision before."""
    minimum: int = 100
    """Calls before figures mean anything."""

    @property
    def shown(self) -> str:
        """Say who gets it: ``10% and group beta``."""
        parts = [f"{self.share * 100:g}%"] if self.share else []
        return " and ".join([*parts, f"group {self.group}"] if self.group else parts)

    def draws(self, revision: str, secret: str) -> bool:
        """Whether whoever presents this key belongs to the share. Each revision draws anew, all processes alike."""
        if not self.share:
            return False
        digest = hashlib.sha256(f"{revision}\0{secret}".encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8]) % _PARTS < round(self.share * _PARTS)


class Result(Enum):
    """What a call says of the revision that served it."""

    SERVED = auto()
    FAILED = auto()
    SILENT = auto()
    """Nothing: the caller's fault, or nobody's."""


def result(error: GatewayError | None) -> Result:
    """Return what a call that ended so says of its revision."""
    if error is None:
        return Result.SERVED
    if isinstance(error, CallerError | UpstreamRefused | ClientGone | ShuttingDown):
        return Result.SILENT
    return Result.FAILED


@dataclass(slots=True)
class Figures:
    """What is counted of one revision during a trial."""

    calls: int = 0
    failures: int = 0

    @property
    def rate(self) -> float:
        """The share of calls that failed; 0.0 without any."""
        return self.failures / self.calls if self.calls else 0.0

    def count(self, result: Result) -> None:
        """Count one call."""
        if result is not Result.SILENT:
            self.calls += 1
            self.failures += result is Result.FAILED


@dataclass(slots=True)
class Contest:
    """The figures of the revision on trial and, meanwhile, of the one before."""

    new: Figures = field(default_factory=Figures)
    old: Figures = field(default_factory=Figures)


class Verdict(Enum):
    """What becomes of a revision on trial."""

    GOES_ON = auto()
    PROMOTED = auto()
    REJECTED = auto()


def decide(rollout: Rollout, contest: Contest, seconds: float) -> Verdict:
    """Judge a trial that has lasted so long: failures end it at once, else time does."""
    new, old = contest.new, contest.old
    if new.calls >= rollout.minimum and new.rate > old.rate + rollout.max_errors:
        return Verdict.REJECTED
    return Verdict.PROMOTED if seconds >= rollout.seconds else Verdict.GOES_ON


def reason(contest: Contest) -> str:
    """Say in words why a revision was rejected."""
    new, old = contest.new, contest.old
    return f"{new.failures} of {new.calls} calls failed ({new.rate:.1%}); before it {old.rate:.1%} of {old.calls}"
