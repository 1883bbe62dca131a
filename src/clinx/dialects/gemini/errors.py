"""Errors: those of all of Google's formats, and an event of this one."""

from __future__ import annotations

from clinx.dialects.google.errors import error_body
from clinx.dialects.google.errors import problem_in as problem_in
from clinx.dialects.google.errors import read_problem as read_problem
from clinx.dialects.google.errors import render_error as render_error
from clinx.dialects.sse import encode_event
from clinx.errors import GatewayError


def render_stream_error(error: GatewayError, request_id: str) -> bytes:
    """Write an error event; the official SDKs raise when they meet one."""
    return encode_event(error_body(error, request_id))
