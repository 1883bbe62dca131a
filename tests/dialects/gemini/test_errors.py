from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.dialects.gemini.errors import render_error, render_stream_error
from dialects.error_tree import codes, example
from dialects.golden import GOLDENS

EXPECTED: dict[str, Any] = json.loads((GOLDENS / "gemini" / "errors.json").read_text())


@pytest.mark.parametrize("code", codes())
def test_the_error(code: str) -> None:
    error = example(codes()[code])

    whole = render_error(error, "req_1")

    event = render_stream_error(error, "req_1")
    assert {
        "status": whole.status,
        "headers": dict(whole.headers),
        "body": json.loads(whole.body),
        "event": event.decode(),
    } == EXPECTED[code]
    assert event == b"data: " + whole.body + b"\n\n"
    assert event.startswith(b'data: {"error":{"code":'), "the official SDKs look for just that"
