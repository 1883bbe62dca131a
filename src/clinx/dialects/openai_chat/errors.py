"""Errors: those of all of OpenAI's formats, and an event of this one."""

from __future__ import annotations

import msgspec

from clinx.dialects.openai_errors import error_object
from clinx.dialects.openai_errors import read_problem as read_problem
from clinx.dialects.openai_errors import render_error as render_error
from clinx.dialects.sse import encode_event
from clinx.errors import GatewayError


def render_stream_error(error: GatewayError, request_id: str) -> bytes:
    """Write an error event; the official SDKs raise when they meet one."""
    return encode_event(msgspec.json.encode({"error": error_object(error, request_id)}))
