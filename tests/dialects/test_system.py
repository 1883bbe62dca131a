from __future__ import annotations

import pytest

from clinx.dialects.system import array, joined, placed
from clinx.domain.catalog import SystemMode


@pytest.mark.parametrize(
    ("mode", "text", "pieces"),
    [
        (SystemMode.PREPEND, "ours\n\ntheirs", b'["ours","theirs"]'),
        (SystemMode.APPEND, "theirs\n\nours", b'["theirs","ours"]'),
        (SystemMode.OVERRIDE, "ours", b'["ours"]'),
        (SystemMode.DEFAULT, "theirs", b'["theirs"]'),
    ],
)
def test_the_mode_says_which_prompt_stands_where(mode: SystemMode, text: str, pieces: bytes) -> None:
    assert joined("ours", "theirs", mode) == text
    assert array(placed(b'"ours"', [b'"theirs"'], mode)) == pieces


@pytest.mark.parametrize("mode", SystemMode)
def test_a_caller_without_a_prompt_gets_the_channel_s(mode: SystemMode) -> None:
    assert joined("ours", "", mode) == "ours"
    assert array(placed(b'"ours"', [], mode)) == b'["ours"]'
