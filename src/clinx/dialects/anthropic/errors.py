"""Errors in Anthropic's shape: ours to bodies, whole and mid-stream, and upstreams' bodies to what they say."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from clinx.dialects.base import Rendered, UpstreamProblem
from clinx.dialects.lenient import mapping
from clinx.dialects.masking import masked
from clinx.dialects.problems import Shape, document_of, headers_of, message_in, sentences, status_of, text
from clinx.dialects.sse import encode_event
from clinx.errors import GatewayError, UpstreamRefused

_CALLER: Final = "invalid_request_error"
_KEY: Final = "authentication_error"
_RIGHT: Final = "permission_error"
_PLACE: Final = "not_found_error"
_MONEY: Final = "billing_error"
_RATE: Final = "rate_limit_error"
_BUSY: Final = "overloaded_error"
_LATE: Final = "timeout_error"
_LARGE: Final = "request_too_large"
_SERVER: Final = "api_error"

SHAPES: Final[Mapping[str, Shape]] = MappingProxyType(
    {
        "invalid_request": Shape(400, _CALLER),
        "unsupported_encoding": Shape(415, _CALLER),
        "payload_too_large": Shape(413, _LARGE),
        "request_timeout": Shape(408, _LATE),
        "unauthenticated": Shape(401, _KEY),
        "token_expired": Shape(401, _KEY),
        "token_disabled": Shape(401, _KEY),
        "permission_denied": Shape(403, _RIGHT),
        "model_not_allowed": Shape(403, _RIGHT),
        "policy_refused": Shape(403, _RIGHT),
        "unsupported_by_model": Shape(400, _CALLER),
        "model_not_found": Shape(404, _PLACE),
        "response_not_found": Shape(404, _PLACE),
        "previous_response_not_found": Shape(400, _CALLER),
        "no_such_endpoint": Shape(404, _PLACE),
        "method_not_allowed": Shape(405, _CALLER),
        "rate_limited": Shape(429, _RATE),
        "insufficient_balance": Shape(402, _MONEY),
        "budget_spent": Shape(402, _MONEY),
        # The status is the upstream's own.
        "upstream_refused": Shape(400, _CALLER),
        "upstream_misconfigured": Shape(502, _SERVER),
        "upstream_overloaded": Shape(529, _BUSY),
        "upstream_timeout": Shape(504, _LATE),
        "upstream_broken": Shape(502, _SERVER),
        "no_channel": Shape(503, _BUSY),
        "billing_unavailable": Shape(503, _SERVER),
        "limits_unavailable": Shape(503, _SERVER),
        "overloaded": Shape(529, _BUSY),
        "shutting_down": Shape(503, _BUSY),
        # Nobody is left to read it; the table is complete all the same.
        "client_gone": Shape(499, _CALLER),
        "internal": Shape(500, _SERVER),
    }
)

_REFUSALS: Final[Mapping[int, str]] = MappingProxyType({404: _PLACE, 413: _LARGE})
"""Refusals that have a type of their own, by status."""

_MESSAGE_PATHS: Final = (("error", "message"), ("message",), ("msg",), ("detail",), ("error",))


def render_error(error: GatewayError, request_id: str) -> Rendered:
    """Write a whole error answer."""
    return Rendered(status_of(error, SHAPES), _headers(error, request_id), _body(error, request_id))


def render_stream_error(error: GatewayError, request_id: str) -> bytes:
    """Write an error event; the official SDKs raise when they meet one."""
    return encode_event(_body(error, request_id), b"error")


def _body(error: GatewayError, request_id: str) -> bytes:
    return msgspec.json.encode({"type": "error", "error": _error(error), "request_id": request_id})


def _error(error: GatewayError) -> Mapping[str, object]:
    if isinstance(error, UpstreamRefused) and (said := read_problem(error.body).message) is not None:
        return {"type": _REFUSALS.get(error.upstream_status, _CALLER), "message": masked(said), "details": None}
    details = {"error_code": error.code}
    return {"type": SHAPES[error.code].word, "message": sentences((error.message, error.hint)), "details": details}


def _headers(error: GatewayError, request_id: str) -> Mapping[str, str]:
    headers = {**headers_of(error), "request-id": request_id}
    if SHAPES[error.code].word == _KEY:
        headers["WWW-Authenticate"] = "Bearer"  # HTTP demands a challenge.
    return headers


def read_problem(body: bytes) -> UpstreamProblem:
    """Read an error body: Anthropic's, or one with a message under a name that other vendors use; never raises."""
    document = document_of(body)
    given = mapping(document.get("error")) or document
    message = message_in(document, _MESSAGE_PATHS)
    kind = text(given.get("type"))
    code = text(given.get("code")) or text(mapping(given.get("details")).get("error_code"))
    if code is None and kind == _PLACE and message is not None and message.startswith("model:"):
        code = "model_not_found"
    return UpstreamProblem(message=message, type=kind, code=code)
