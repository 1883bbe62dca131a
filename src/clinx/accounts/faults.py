"""What is wrong with a form, found together, so that nobody has to mend it one round trip at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from clinx.accounts.failures import AccountError, Several

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Faults:
    """Collects what is wrong; `refuse` is called before anything is done."""

    found: list[AccountError] = field(default_factory=list[AccountError])

    def judged(self, check: Callable[[], T], otherwise: T) -> T:
        """Return what a check makes of its part of a form, or something in its place that is never used."""
        try:
            return check()
        except Several as error:
            self.found.extend(error.found)
        except AccountError as error:
            self.found.append(error)
        return otherwise

    def refuse(self) -> None:
        """Let pass what nothing is wrong with.

        Raises:
            AccountError: the one thing that is; `Several`, if there are more.
        """
        if len(self.found) > 1:
            raise Several(self.found)
        if self.found:
            raise self.found[0]
