from __future__ import annotations

import pytest

from clinx.dialects.body import JsonBody
from clinx.dialects.gemini.system import with_system
from clinx.domain.catalog import SystemMode, SystemPrompt

OURS, THEIRS = b'{"text":"ours"}', b'{ "text":"theirs"}'


@pytest.mark.parametrize(
    ("body", "mode", "expected"),
    [
        (b"{}", SystemMode.PREPEND, {"systemInstruction": b'{"parts":[' + OURS + b"]}"}),
        (
            b'{"system_instruction":{"role":"x","parts":[' + THEIRS + b"]}}",
            SystemMode.APPEND,
            {"system_instruction": b'{"role":"x","parts":[' + THEIRS + b"," + OURS + b"]}"},
        ),
        (
            b'{"systemInstruction":{"parts":' + THEIRS + b"}}",
            SystemMode.PREPEND,
            {"systemInstruction": b'{"parts":[' + OURS + b"," + THEIRS + b"]}"},
        ),
        (
            b'{"systemInstruction":{"parts":[' + THEIRS + b"]}}",
            SystemMode.OVERRIDE,
            {"systemInstruction": b'{"parts":[' + OURS + b"]}"},
        ),
        (b'{"systemInstruction":"odd"}', SystemMode.OVERRIDE, {}),
        (b'{"systemInstruction":{"parts":7}}', SystemMode.OVERRIDE, {}),
    ],
)
def test_it_goes_among_the_parts_of_the_instruction(body: bytes, mode: SystemMode, expected: dict[str, bytes]) -> None:
    assert with_system(JsonBody.parse(body), SystemPrompt("ours", mode)) == expected
