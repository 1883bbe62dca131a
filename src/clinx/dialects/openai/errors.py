"""Errors in OpenAI's shape, for all formats of that house: ours to bodies, and upstreams' bodies to what they say."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from clinx.dialects.base import Rendered, UpstreamProblem
from clinx.dialects.lenient import mapping
from clinx.dialects.masking import masked
from clinx.dialects.problems import at, document_of, headers_of, message_in, sentences, text
from clinx.dialects.sse import encode_event
from clinx.errors import GatewayError, UpstreamRefused


class Shape(NamedTuple):
    """How one error code looks here. The official SDKs choose an exception class by the status."""

    status: int
    type: str
    code: str


_CALLER: Final = "invalid_request_error"
_SERVER: Final = "server_error"
_QUOTA: Final = "insufficient_quota"
_RATE: Final = "rate_limit_error"

SHAPES: Final[Mapping[str, Shape]] = MappingProxyType(
    {
        "invalid_request": Shape(400, _CALLER, "invalid_request"),
        "unsupported_encoding": Shape(415, _CALLER, "unsupported_encoding"),
        "payload_too_large": Shape(413, _CALLER, "payload_too_large"),
        "request_timeout": Shape(408, _CALLER, "request_timeout"),
        "unauthenticated": Shape(401, _CALLER, "invalid_api_key"),
        "token_expired": Shape(401, _CALLER, "token_expired"),
        "token_disabled": Shape(401, _CALLER, "token_disabled"),
        "permission_denied": Shape(403, _CALLER, "permission_denied"),
        "model_not_allowed": Shape(403, _CALLER, "model_not_allowed"),
        "policy_refused": Shape(403, _CALLER, "policy_refused"),
        "unsupported_by_model": Shape(400, _CALLER, "unsupported_by_model"),
        "model_not_found": Shape(404, _CALLER, "model_not_found"),
        "response_not_found": Shape(404, _CALLER, "response_not_found"),
        "previous_response_not_found": Shape(400, _CALLER, "previous_response_not_found"),
        "no_such_endpoint": Shape(404, _CALLER, "no_such_endpoint"),
        "method_not_allowed": Shape(405, _CALLER, "method_not_allowed"),
        "rate_limited": Shape(429, _RATE, "rate_limit_exceeded"),
        "insufficient_balance": Shape(429, _QUOTA, "insufficient_quota"),
        "budget_spent": Shape(429, _QUOTA, "budget_spent"),
        # The status is the upstream's own.
        "upstream_refused": Shape(400, _CALLER, "upstream_refused"),
        "upstream_misconfigured": Shape(502, _SERVER, "upstream_misconfigured"),
        "upstream_overloaded": Shape(503, _SERVER, "upstream_overloaded"),
        "upstream_timeout": Shape(504, _SERVER, "upstream_timeout"),
        "upstream_broken": Shape(502, _SERVER, "upstream_broken"),
        "no_channel": Shape(503, _SERVER, "no_channel"),
        "billing_unavailable": Shape(503, _SERVER, "billing_unavailable"),
        "limits_unavailable": Shape(503, _SERVER, "limits_unavailable"),
        "overloaded": Shape(503, _SERVER, "overloaded"),
        "shutting_down": Shape(503, _SERVER, "shutting_down"),
        # Nobody is left to read it; the table is complete all the same.
        "client_gone": Shape(499, _CALLER, "client_gone"),
        "internal": Shape(500, _SERVER, "internal"),
    }
)

_NO_KINDS: Final = frozenset({"error", "response.failed"})
"""What an event calls itself, and no kind of error."""
_UNAUTHENTICATED: Final = 401
"""The one status for which HTTP demands a challenge."""
_MESSAGE_PATHS: Final = (
    ("error", "message"),
    ("response", "error", "message"),
    ("message",),
    ("msg",),
    ("err",),
    ("error_msg",),
    ("detail",),
    ("header", "message"),
    ("error",),
)


def render_error(error: GatewayError, request_id: str) -> Rendered:
    """Write a whole error answer."""
    shape = SHAPES[error.code]
    status = error.http_status if isinstance(error, UpstreamRefused) else shape.status
    return Rendered(status, _headers(error, shape), msgspec.json.encode({"error": error_object(error, request_id)}))


def render_stream_error(error: GatewayError, request_id: str) -> bytes:
    """Write an error event as most formats of the house have it; the official SDKs raise when they meet one."""
    return encode_event(msgspec.json.encode({"error": error_object(error, request_id)}))


def error_object(error: GatewayError, request_id: str) -> Mapping[str, object]:
    """Return what an error body or event says: a refusal in the upstream's words, all else in ours."""
    if isinstance(error, UpstreamRefused):
        native = _native(error.body)
        if native is not None:
            return native
    shape = SHAPES[error.code]
    message = f"{sentences((error.message, error.hint))} (request id: {request_id})"
    return {"message": message, "type": shape.type, "param": error.param, "code": shape.code}


def _headers(error: GatewayError, shape: Shape) -> Mapping[str, str]:
    headers = headers_of(error)
    if shape.status == _UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    if shape.type == _QUOTA:
        # The SDKs retry every 429 by themselves, which cannot fill an empty account.
        headers["x-should-retry"] = "false"
    return headers


def _native(body: bytes) -> Mapping[str, object] | None:
    """Return the upstream's error object reduced to OpenAI's four fields, masked; None when it has no message."""
    problem = read_problem(body)
    if problem.message is None:
        return None
    kind = problem.type or _CALLER
    fields = {"message": problem.message, "type": kind, "param": problem.param, "code": problem.code}
    return {name: None if said is None else masked(said) for name, said in fields.items()}


def problem_in(error: object, kind: object, body: bytes) -> UpstreamProblem | None:
    """Return what an answer or event says if it is an error in spite of its status; None when it is none."""
    if not error and kind != "error":
        return None
    return read_problem(body)


def read_problem(body: bytes) -> UpstreamProblem:
    """Read an error body of any of the known shapes, an error event, or a response that failed; never raises.

    Known: OpenAI's object, alone or inside a response; an error that is a bare string; either inside an array; and a
    message under one of the names that vendors use.
    """
    document = document_of(body)
    given = _error_object(document)
    kind = text(given.get("type"))
    return UpstreamProblem(
        message=message_in(document, _MESSAGE_PATHS),
        type=None if kind in _NO_KINDS else kind,
        code=text(given.get("code")),
        param=text(given.get("param")),
    )


def _error_object(document: Mapping[str, object]) -> Mapping[str, object]:
    """Return where type and code are said: in the error object, or that of a response, else beside the message."""
    return mapping(document.get("error")) or mapping(at(document, ("response", "error"))) or document
