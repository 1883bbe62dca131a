"""An answer that is no success, and the questions asked of it; the words vendors use are tables here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from clinx.dialects.base import UpstreamProblem

_BAD_CREDENTIAL: Final = frozenset(
    {
        "account_deactivated",
        "authentication_error",
        "billing_error",
        "billing_hard_limit_reached",
        "billing_not_active",
        "forbidden",
        "insufficient_quota",
        "insufficient_user_quota",
        "invalid_api_key",
        "permission_denied",
        "permission_error",
        "quota_exceeded",
        "unauthorized",
    }
)
_NO_QUOTA_SAID: Final = ("exceeded your current quota", "credit balance is too low", "insufficient balance")
_BUSY: Final = frozenset(
    {
        "engine_overloaded",
        "overloaded",
        "overloaded_error",
        "rate_limit_error",
        "rate_limit_exceeded",
        "requests",
        "server_overloaded",
        "service_unavailable",
        "tokens",
        "too_many_requests",
    }
)
_NO_MODEL: Final = frozenset({"model_not_found", "deploymentnotfound", "invalid_model"})
_NO_MODEL_SAID: Final = re.compile(r"\b(model|deployment)\b.{0,300}?\bnot (found|exist)", re.DOTALL)
_CALLERS_FAULT: Final = frozenset(
    {
        "content_filter",
        "content_policy_violation",
        "context_length_exceeded",
        "invalid_request_error",
        "string_above_max_length",
    }
)

_REDIRECTS, _CALLERS, _SERVERS, _END = 300, 400, 500, 600
_TOO_MANY: Final = 429
_NOT_FOUND: Final = 404
_PASSED_ON: Final = frozenset({400, _NOT_FOUND, 413, 415, 422})
_REFUSED_CREDENTIAL: Final = frozenset({401, 402, 403})
_TOO_SLOW: Final = frozenset({408, 504, 524})
_AGAIN: Final = frozenset({409, 421, 425})
_COME_BACK: Final = frozenset({503, 529})


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer as it came; ``problem`` is what its dialect read out of the body."""

    status: int
    headers: Mapping[str, str]
    problem: UpstreamProblem
    body: bytes
    content_type: str

    @property
    def code(self) -> int:
        """The status that counts: some vendors answer 200 and write the real one into the error's code."""
        written = self.problem.code or ""
        is_status = len(written) == 3 and written.isascii() and written.isdecimal()  # noqa: PLR2004  (a status)
        if self.is_success and is_status and _CALLERS <= int(written) < _END:
            return int(written)
        return self.status

    @property
    def is_success(self) -> bool:
        """A success by its status; when it is asked here, there is an error inside."""
        return self.status < _REDIRECTS

    @property
    def is_about_credential(self) -> bool:
        """Our key, its rights or its money."""
        if self.code in _REFUSED_CREDENTIAL:
            return True
        is_said = self._says(_BAD_CREDENTIAL) or any(text in self._message for text in _NO_QUOTA_SAID)
        return is_said and self.code < _SERVERS

    @property
    def is_busy(self) -> bool:
        """Too much for this credential at this moment."""
        return self.code == _TOO_MANY or (self.code < _REDIRECTS and self._says(_BUSY))

    @property
    def is_about_address(self) -> bool:
        """The address, the path or the model name we used is wrong, which callers cannot mend."""
        if self.code in _PASSED_ON and self._says(_NO_MODEL):
            return True
        if self.code == _NOT_FOUND:
            # A 404 without a word in the dialect is a path that nothing serves.
            is_mute = not (self._message or self._words)
            return is_mute or _NO_MODEL_SAID.search(self._message) is not None
        is_odd = self.code not in _PASSED_ON | _TOO_SLOW | _AGAIN
        return _REDIRECTS <= self.code < _SERVERS and is_odd

    @property
    def is_callers_fault(self) -> bool:
        """The request itself; nobody would take it."""
        return self.code in _PASSED_ON or (self.code < _REDIRECTS and self._says(_CALLERS_FAULT))

    @property
    def is_late(self) -> bool:
        """The upstream gave up waiting for something behind it."""
        return self.code in _TOO_SLOW

    @property
    def is_come_back(self) -> bool:
        """The upstream as a whole has too much to do."""
        return self.code in _COME_BACK

    @property
    def passed_on_status(self) -> int:
        """The status a caller at fault is shown."""
        return self.code if self.code in _PASSED_ON else 400

    @property
    def _words(self) -> frozenset[str]:
        return frozenset(word.lower() for word in (self.problem.type, self.problem.code) if word)

    @property
    def _message(self) -> str:
        return (self.problem.message or "").lower()

    def _says(self, words: frozenset[str]) -> bool:
        return not words.isdisjoint(self._words)
