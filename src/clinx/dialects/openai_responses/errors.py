"""Errors: those of all of OpenAI's formats, and an event of this one."""

from __future__ import annotations

from typing import Final

import msgspec

from clinx.dialects.openai.errors import error_object
from clinx.dialects.openai.errors import read_problem as read_problem
from clinx.dialects.openai.errors import render_error as render_error
from clinx.dialects.sse import encode_event
from clinx.errors import GatewayError

_FLAT: Final = ("code", "message", "param")


def render_stream_error(error: GatewayError, request_id: str) -> bytes:
    """Write an error event.

    It says everything twice: flat, as the vendor documents it, and in ``error``, where the official SDKs look for what
    they raise.
    """
    said = error_object(error, request_id)
    event = {"type": "error", "sequence_number": 0, **{name: said[name] for name in _FLAT}, "error": said}
    return encode_event(msgspec.json.encode(event), b"error")
