from __future__ import annotations

import pytest

from clinx.dialects.body import JsonBody
from clinx.dialects.openai_responses.system import with_system
from clinx.domain.catalog import SystemMode, SystemPrompt


@pytest.mark.parametrize(
    ("body", "mode", "expected"),
    [
        (b'{"instructions":"theirs"}', SystemMode.PREPEND, {"instructions": b'"ours\\n\\ntheirs"'}),
        (b'{"instructions":"theirs"}', SystemMode.OVERRIDE, {"instructions": b'"ours"'}),
        (b'{"instructions":null}', SystemMode.DEFAULT, {"instructions": b'"ours"'}),
        (b"{}", SystemMode.APPEND, {"instructions": b'"ours"'}),
        (b'{"instructions":[1]}', SystemMode.OVERRIDE, {}),
    ],
)
def test_it_goes_into_the_instructions(body: bytes, mode: SystemMode, expected: dict[str, bytes]) -> None:
    assert with_system(JsonBody.parse(body), SystemPrompt("ours", mode)) == expected
