"""Errors in Google's shape, for all formats of that house: ours to bodies, and upstreams' bodies to what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from clinx.dialects.base import Rendered, UpstreamProblem
from clinx.dialects.lenient import mapping, sequence
from clinx.dialects.masking import masked
from clinx.dialects.problems import (
    Shape,
    document_of,
    encodable,
    headers_of,
    message_in,
    sentences,
    status_of,
    text,
    whole_seconds,
)
from clinx.errors import GatewayError, UpstreamRefused

_CALLER: Final = "INVALID_ARGUMENT"
_RIGHT: Final = "PERMISSION_DENIED"
_PLACE: Final = "NOT_FOUND"
_LIMIT: Final = "RESOURCE_EXHAUSTED"
_LATE: Final = "DEADLINE_EXCEEDED"
_DOWN: Final = "UNAVAILABLE"
_SERVER: Final = "INTERNAL"

SHAPES: Final[Mapping[str, Shape]] = MappingProxyType(
    {
        "invalid_request": Shape(400, _CALLER),
        "policy_refused": Shape(403, _RIGHT),
        "unsupported_by_model": Shape(400, _CALLER),
        "unsupported_encoding": Shape(415, _CALLER),
        "payload_too_large": Shape(413, _CALLER),
        "request_timeout": Shape(408, _LATE),
        # A key that is not good is an invalid argument at Google, and says so in its details.
        "unauthenticated": Shape(400, _CALLER),
        "token_expired": Shape(400, _CALLER),
        "token_disabled": Shape(400, _CALLER),
        "permission_denied": Shape(403, _RIGHT),
        "model_not_allowed": Shape(403, _RIGHT),
        "model_not_found": Shape(404, _PLACE),
        "response_not_found": Shape(404, _PLACE),
        "previous_response_not_found": Shape(400, _CALLER),
        "no_such_endpoint": Shape(404, _PLACE),
        "method_not_allowed": Shape(405, "UNIMPLEMENTED"),
        "rate_limited": Shape(429, _LIMIT),
        "insufficient_balance": Shape(429, _LIMIT),
        "budget_spent": Shape(429, _LIMIT),
        # The status is the upstream's own.
        "upstream_refused": Shape(400, _CALLER),
        "upstream_misconfigured": Shape(502, _SERVER),
        "upstream_overloaded": Shape(503, _DOWN),
        "upstream_timeout": Shape(504, _LATE),
        "upstream_broken": Shape(502, _DOWN),
        "no_channel": Shape(503, _DOWN),
        "billing_unavailable": Shape(503, _DOWN),
        "limits_unavailable": Shape(503, _DOWN),
        "overloaded": Shape(503, _DOWN),
        "shutting_down": Shape(503, _DOWN),
        # Nobody is left to read it; the table is complete all the same.
        "client_gone": Shape(499, "CANCELLED"),
        "internal": Shape(500, _SERVER),
    }
)

_KEYS: Final = frozenset({"unauthenticated", "token_expired", "token_disabled"})
_REFUSALS: Final[Mapping[int, str]] = MappingProxyType({404: _PLACE})
"""Refusals that have a word of their own, by status."""

_BAD_KEY: Final = "API_KEY_INVALID"
_TYPE: Final = "type.googleapis.com/google.rpc."
_MESSAGE_PATHS: Final = (("error", "message"), ("message",), ("msg",), ("detail",), ("error",))

_QUOTA: Final = "You exceeded your current quota"
"""How every refusal for too much begins, be it too much for a minute or for good."""
_FOR_GOOD: Final = "PerDay"
_DELAY: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s", re.ASCII)
_OPERATORS: Final = ("location", "billing", "free tier")
"""What a failed precondition is about when no caller can mend it."""


def render_error(error: GatewayError, request_id: str) -> Rendered:
    """Write a whole error answer."""
    return Rendered(status_of(error, SHAPES), headers_of(error), error_body(error, request_id))


def error_body(error: GatewayError, request_id: str) -> bytes:
    """Return what an error says: a refusal in the upstream's words, all else in ours."""
    if isinstance(error, UpstreamRefused) and (said := read_problem(error.body).message) is not None:
        word = _REFUSALS.get(error.upstream_status, _CALLER)
        return msgspec.json.encode({"error": {"code": error.http_status, "message": masked(said), "status": word}})
    message = sentences((error.message, error.hint))
    fields = {"code": status_of(error, SHAPES), "message": message, "status": SHAPES[error.code].word}
    return msgspec.json.encode({"error": {**fields, "details": [*_details(error, message, request_id)]}})


def _details(error: GatewayError, message: str, request_id: str) -> Iterator[Mapping[str, object]]:
    """Say the same for programs, in Google's own types."""
    reason = _BAD_KEY if error.code in _KEYS else error.code.upper()
    yield {"@type": _TYPE + "ErrorInfo", "reason": reason, "domain": "clinx"}
    if error.param is not None:
        violation = {"field": encodable(error.param), "description": message}
        yield {"@type": _TYPE + "BadRequest", "fieldViolations": [violation]}
    if error.retry_after is not None:
        yield {"@type": _TYPE + "RetryInfo", "retryDelay": f"{whole_seconds(error.retry_after)}s"}
    yield {"@type": _TYPE + "RequestInfo", "requestId": request_id}


def problem_in(error: object, body: bytes) -> UpstreamProblem | None:
    """Return what an answer or event says if it is an error in spite of its status; None when it is none."""
    return read_problem(body) if error else None


def read_problem(body: bytes) -> UpstreamProblem:
    """Read an error body: Google's, alone or in an array, or one with a message under a usual name; never raises."""
    document = document_of(body)
    given = mapping(document.get("error")) or document
    message = message_in(document, _MESSAGE_PATHS)
    word = text(given.get("status"))
    details = [mapping(detail) for detail in sequence(given.get("details"))]
    code = _special(word, message or "", details) or text(given.get("code"))
    if word == _LIMIT and message and code != "insufficient_quota":
        message = _without_quota(message)
    return UpstreamProblem(message=message, type=word, code=code, retry_after=_delay(details))


def _special(word: str | None, message: str, details: Sequence[Mapping[str, object]]) -> str | None:
    """Return what decides whose fault it is, where Google says it elsewhere than in the status."""
    if any(detail.get("reason") == _BAD_KEY for detail in details):
        return "invalid_api_key"
    if word == _PLACE and "models/" in message:
        return "model_not_found"
    if word == "FAILED_PRECONDITION" and any(topic in message.lower() for topic in _OPERATORS):
        return "permission_denied"
    quotas = (mapping(violation) for detail in details for violation in sequence(detail.get("violations")))
    if word == _LIMIT and any(_FOR_GOOD in str(quota.get("quotaId")) for quota in quotas):
        return "insufficient_quota"
    return None


def _delay(details: Sequence[Mapping[str, object]]) -> float | None:
    """Return the seconds that Google asks to stay away, which it says in no header."""
    found = (_DELAY.fullmatch(str(detail.get("retryDelay"))) for detail in details)
    return next((float(delay[1]) for delay in found if delay is not None), None)


def _without_quota(message: str) -> str:
    """Leave out the sentence that sounds like an account without money, for it is there when it has some as well."""
    return message.partition("\n")[2].strip() or "Too many requests." if message.startswith(_QUOTA) else message
