"""Failures of mutations that are about no field alone, and why; all others say which field of the input it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PLACELESS: Mapping[str, str] = {
    "account_disabled": "whoever signs in is kept out, whatever they typed",
    "charge_unnamed": "two fields, of which exactly one is to be given",
    "email_unverified": "whoever signs in is kept out, whatever they typed",
    "exactly_one": "several fields, of which exactly one is to be given",
    "PasskeySignInFinishInput.challenge_refused": "either of two secrets may be over",
    "invitation_accepted": "once is all there is, with whatever code",
    "nothing_sold": "the gateway does not do it at all",
    "not_offered": "the gateway does not do it at all",
    "proof_unclear": "several ways, of which exactly one is to be taken",
    "registration_closed": "the gateway does not do it at all",
    "SignInInput.sign_in_refused": "which of a name and a password is wrong, nobody is told",
    "step_up_required": "it is about whoever asks",
    "too_many": "it is about what they have already",
    "too_many_attempts": "it is about what was tried before",
}


@dataclass
class Seen:
    """What mutations of a test told, as their inputs see it."""

    without: list[str] = field(default_factory=list[str])

    def note(self, error: Any, type_: Any, path: list[str]) -> None:
        if not path and type_ is not None and not PLACELESS.keys() & {error.code, f"{type_.name}.{error.code}"}:
            self.without.append(f"{error.code} of {type_.name}: {error.message}")
