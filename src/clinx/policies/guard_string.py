"""A string of a request or an answer, and how it is written once rules have looked at it."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass

from clinx.policies.guard import GuardRule, Report
from clinx.policies.guard_json import screened_json
from clinx.policies.guard_text import screened


@dataclass(frozen=True, slots=True, eq=False)
class FoundString:
    """Where a string, or a number, stands in JSON text, and what it says."""

    start: int
    end: int
    text: str
    inner: Sequence[str] | None = None
    """What is looked at, of a string that is JSON text itself; None for one that is not."""
    decoded: str | None = None
    """What it says in Base64, if it does."""
    prefix: str = ""
    """What stands before the Base64."""

    def texts(self) -> Sequence[str]:
        """Return what is looked at of it."""
        if self.inner is not None:
            return self.inner
        return (self.text,) if self.decoded is None else (self.text, self.decoded)

    def written(self, rules: Sequence[GuardRule], report: Report) -> bytes | None:
        """Return how it is written after rules looked at it; None for as it is.

        Raises:
            PolicyRefused: a rule blocks it.
        """
        left = (screened if self.inner is None else screened_json)(self.text, rules, report)
        if self.decoded is not None and (plain := screened(self.decoded, rules, report)) != self.decoded:
            left = self.prefix + base64.b64encode(plain.encode("utf-8", "replace")).decode()
        return None if left == self.text else json.dumps(left).encode()
