"""Errors in OpenAI's shape: ours to bodies, whole and mid-stream, and upstreams' bodies to what they say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, cast

import msgspec

from clinx.dialects import lenient
from clinx.dialects.base import Rendered, UpstreamProblem
from clinx.dialects.masking import masked
from clinx.dialects.sse import encode_event
from clinx.errors import GatewayError, MethodNotAllowed, UpstreamRefused

MAX_TEXT: Final = 2000
"""The most characters of an upstream's message that are kept."""


class Shape(NamedTuple):
    """How one error code looks in this dialect. The official SDKs choose an exception class by the status."""

    status: int
    type: str
    code: str


_CALLER: Final = "invalid_request_error"
_SERVER: Final = "server_error"
_QUOTA: Final = "insufficient_quota"

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
        "unsupported_by_model": Shape(400, _CALLER, "unsupported_by_model"),
        "model_not_found": Shape(404, _CALLER, "model_not_found"),
        "no_such_endpoint": Shape(404, _CALLER, "no_such_endpoint"),
        "method_not_allowed": Shape(405, _CALLER, "method_not_allowed"),
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
        "shutting_down": Shape(503, _SERVER, "shutting_down"),
        # Nobody is left to read it; the table is complete all the same.
        "client_gone": Shape(499, _CALLER, "client_gone"),
        "internal": Shape(500, _SERVER, "internal"),
    }
)

_JSON: Final = "application/json"
_MESSAGE_PATHS: Final = (
    ("error", "message"),
    ("message",),
    ("msg",),
    ("err",),
    ("error_msg",),
    ("detail",),
    ("header", "message"),
    ("response", "error", "message"),
    ("error",),
)


def render_error(error: GatewayError, request_id: str) -> Rendered:
    """Write a whole error answer."""
    shape = SHAPES[error.code]
    status = error.http_status if isinstance(error, UpstreamRefused) else shape.status
    return Rendered(status, _headers(error, shape), msgspec.json.encode({"error": _body(error, shape, request_id)}))


def render_stream_error(error: GatewayError, request_id: str) -> bytes:
    """Write an error event; the official SDKs raise when they meet one."""
    return encode_event(msgspec.json.encode({"error": _body(error, SHAPES[error.code], request_id)}))


def _body(error: GatewayError, shape: Shape, request_id: str) -> Mapping[str, object]:
    if isinstance(error, UpstreamRefused):
        native = _native(error.body)
        if native is not None:
            return native
    parts = [_sentence(error.message), *([_sentence(error.hint)] if error.hint else []), f"(request id: {request_id})"]
    return {"message": _encodable(" ".join(parts)), "type": shape.type, "param": error.param, "code": shape.code}


def _headers(error: GatewayError, shape: Shape) -> Mapping[str, str]:
    headers = {"Content-Type": _JSON}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = ", ".join(sorted(error.allowed))
    if shape.status == 401:  # noqa: PLR2004 - the one status for which HTTP demands a challenge
        headers["WWW-Authenticate"] = "Bearer"
    if shape.type == _QUOTA:
        # The SDKs retry every 429 by themselves, which cannot fill an empty account.
        headers["x-should-retry"] = "false"
    return headers


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else text + "."


def _native(body: bytes) -> Mapping[str, object] | None:
    """Return the upstream's error object reduced to OpenAI's four fields, masked; None when it has no message."""
    problem = read_problem(body)
    if problem.message is None:
        return None
    param = _text(_error_object(_document(body)).get("param"))
    fields = {"message": problem.message, "type": problem.type or _CALLER, "param": param, "code": problem.code}
    return {name: None if text is None else masked(text) for name, text in fields.items()}


def read_problem(body: bytes) -> UpstreamProblem:
    """Read an error body of any of the known shapes; never raises.

    Known: OpenAI's object; an error that is a bare string; either inside an array; and a message under one of the
    names that vendors use. A body that is no JSON says nothing: it may be a page of HTML.
    """
    document = _document(body)
    given = _error_object(document)
    return UpstreamProblem(
        message=next((text for path in _MESSAGE_PATHS if (text := _text(_at(document, path)))), None),
        type=_text(given.get("type")),
        code=_text(given.get("code")),
    )


def _document(body: bytes) -> Mapping[str, object]:
    try:
        document = lenient.decode(body)
    except ValueError:
        return {}
    if isinstance(document, list):
        first = cast("list[object]", document)[:1]
        document = first[0] if first else None
    return _mapping(document)


def _error_object(document: Mapping[str, object]) -> Mapping[str, object]:
    """Return where type and code are said: in the error object, else beside the message."""
    return _mapping(document.get("error")) or document


def _at(document: Mapping[str, object], path: tuple[str, ...]) -> object:
    found: object = document
    for name in path:
        found = _mapping(found).get(name)
    return found


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    """Return text, or a number as text (codes are numbers at some vendors); None for anything else and for nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return _encodable(str(value)[:MAX_TEXT]) or None


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
