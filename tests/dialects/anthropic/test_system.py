from __future__ import annotations

import pytest

from clinx.dialects.anthropic.system import with_system
from clinx.dialects.body import JsonBody
from clinx.domain.catalog import SystemMode, SystemPrompt

CACHED = b'{"type":"text","text":"theirs","cache_control":{"type":"ephemeral"}}'
OURS = b'{"type":"text","text":"ours"}'


@pytest.mark.parametrize(
    ("body", "mode", "expected"),
    [
        (b"{}", SystemMode.APPEND, {"system": b'"ours"'}),
        (b'{"system":null}', SystemMode.DEFAULT, {"system": b'"ours"'}),
        (b'{"system":"theirs"}', SystemMode.APPEND, {"system": b'"theirs\\n\\nours"'}),
        (b'{"system":"theirs"}', SystemMode.OVERRIDE, {"system": b'"ours"'}),
        (b'{"system":[' + CACHED + b"]}", SystemMode.PREPEND, {"system": b"[" + OURS + b"," + CACHED + b"]"}),
        (b'{"system":[' + CACHED + b"]}", SystemMode.DEFAULT, {"system": b"[" + CACHED + b"]"}),
        (b'{"system":[]}', SystemMode.DEFAULT, {"system": b"[" + OURS + b"]"}),
        (b'{"system":7}', SystemMode.OVERRIDE, {}),
    ],
)
def test_it_takes_the_form_that_the_caller_s_has(body: bytes, mode: SystemMode, expected: dict[str, bytes]) -> None:
    assert with_system(JsonBody.parse(body), SystemPrompt("ours", mode)) == expected
