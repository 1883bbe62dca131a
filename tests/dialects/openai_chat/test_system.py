from __future__ import annotations

import pytest

from clinx.dialects.body import JsonBody
from clinx.dialects.openai_chat.system import with_system
from clinx.domain.catalog import SystemMode, SystemPrompt

USER = b'{ "role":"user","content":"h\\u00e9"}'
OWN = b'{"role":"developer","content":"theirs"}'
OURS = b'{"role":"system","content":"ours"}'


def _messages(*messages: bytes) -> bytes:
    return b"[" + b",".join(messages) + b"]"


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (SystemMode.PREPEND, (OURS, OWN, USER, OWN)),
        (SystemMode.APPEND, (OWN, OURS, USER, OWN)),
        (SystemMode.OVERRIDE, (OURS, USER, OWN)),
        (SystemMode.DEFAULT, (OWN, USER, OWN)),
    ],
)
def test_it_stands_beside_the_instructions_at_the_beginning(mode: SystemMode, expected: tuple[bytes, ...]) -> None:
    body = JsonBody.parse(b'{"messages": ' + _messages(OWN, USER, OWN) + b"}")

    assert with_system(body, SystemPrompt("ours", mode)) == {"messages": _messages(*expected)}


def test_without_instructions_it_is_the_first_message() -> None:
    body = JsonBody.parse(b'{"messages":[' + USER + b"]}")

    assert with_system(body, SystemPrompt("ours", SystemMode.DEFAULT)) == {"messages": _messages(OURS, USER)}
