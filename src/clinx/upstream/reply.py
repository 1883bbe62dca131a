"""An answer that is no success, and the questions asked of it; the words vendors use are tables here.

Types and codes are the vendor's own. A message may quote what the caller wrote, so the words of a message count only
outside quotation marks, and words about our money only where the vendor does not point at a member of the request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from clinx.dialects.base import UpstreamProblem
from clinx.dialects.problems import MAX_TEXT

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
_MODERATED: Final = frozenset(
    {"content_filter", "content_policy_violation", "moderation_blocked", "responsibleaipolicyviolation"}
)
_MODERATED_SAID: Final = re.compile(
    r"\b(input|prompt|content|messages?|text|image|output)\b.{0,80}?\b(flagged|blocked|filtered|moderat\w+|violat\w+)"
    r"|\brequires? moderation\b|\bcontent (management )?(policy|filter)\b",
    re.DOTALL,
)
_TOO_LARGE: Final = frozenset({"context_length_exceeded", "request_too_large", "string_above_max_length"})
_TOO_LARGE_SAID: Final = re.compile(r"\brequest (is )?too large\b|\b(context length|context window)\b")
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
_INVALID: Final = 400
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_TOO_MANY: Final = 429
_PASSED_ON: Final = frozenset({_INVALID, _NOT_FOUND, 413, 414, 415, 422, 431, 451})
_AS_IT_CAME: Final = _PASSED_ON | {_FORBIDDEN}
_ABOUT_MONEY: Final = frozenset({402, _FORBIDDEN, _TOO_MANY})
_CALLERS_PART: Final = frozenset({405, 406})
_REFUSED_CREDENTIAL: Final = frozenset({401, 402, 403})
_TOO_SLOW: Final = frozenset({408, 504, 524})
_AGAIN: Final = frozenset({409, 421, 425})
_COME_BACK: Final = frozenset({503, 529})

_MARKS: Final = (
    (r"(?<!\w)'", r"'(?!\w)"),
    (r"(?<!\w)`", r"`(?!\w)"),
    ('"', '"'),
    ("\N{LEFT DOUBLE QUOTATION MARK}", "\N{RIGHT DOUBLE QUOTATION MARK}"),
    ("\N{LEFT SINGLE QUOTATION MARK}", "\N{RIGHT SINGLE QUOTATION MARK}"),
)
_OPENED: Final = re.compile("|".join(begin for begin, _ in _MARKS))
_QUOTED: Final = re.compile("|".join(f"{begin}(?:.*{end}|.*)" for begin, end in _MARKS), re.DOTALL)
"""From the first mark to the last of its kind: what is quoted may hold marks itself."""


def outside_quotes(message: str) -> str:
    """Return what of a message is not between quotation marks, and so cannot be the caller's words.

    Of one that was cut off where it is too long nobody knows which mark was the last.
    """
    if len(message) >= MAX_TEXT:
        return _OPENED.split(message, maxsplit=1)[0]
    return _QUOTED.sub("", message)


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
        is_said = self._says(_BAD_CREDENTIAL) or (self._may_be_about_money and self._says_no_quota)
        return is_said and self.code < _SERVERS

    @property
    def is_about_content(self) -> bool:
        """What was written is not wanted, or too much for a single request, whatever status says so."""
        if self.code == _FORBIDDEN:
            return self._says(_MODERATED) or _MODERATED_SAID.search(self._message) is not None
        if self.code == _TOO_MANY:
            return self._says(_TOO_LARGE) or _TOO_LARGE_SAID.search(self._message) is not None
        return False

    @property
    def is_neutral(self) -> bool:
        """Whether it says nothing of the channel: what a caller sends has a part in it."""
        return self.code in _CALLERS_PART

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
            is_mute = not (self.problem.message or self._words)
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
        return self.code if self.code in _AS_IT_CAME else _INVALID

    @property
    def _words(self) -> frozenset[str]:
        return frozenset(word.lower() for word in (self.problem.type, self.problem.code) if word)

    @property
    def _message(self) -> str:
        """The vendor's own words."""
        return outside_quotes((self.problem.message or "").lower())

    @property
    def _may_be_about_money(self) -> bool:
        is_open = self.code == _INVALID or self.is_success
        return self.code in _ABOUT_MONEY or (is_open and self.problem.param is None)

    @property
    def _says_no_quota(self) -> bool:
        return any(text in self._message for text in _NO_QUOTA_SAID)

    def _says(self, words: frozenset[str]) -> bool:
        return not words.isdisjoint(self._words)
