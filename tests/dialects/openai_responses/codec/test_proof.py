from __future__ import annotations

import pytest

from clinx.canonical.content import Signature, Thinking
from clinx.dialects.openai_responses.codec.proof import own_proof, read_thought, write_proof

OWN = Signature("openai_responses", "gAAA:x")
FOREIGN = Signature("anthropic", "sig:1:2:3")


@pytest.mark.parametrize(
    "thought",
    [
        Thinking("Hm", OWN, id="rs_1"),
        Thinking("Hm", FOREIGN),
        Thinking("", redacted=FOREIGN),
        Thinking("Hm", id="rs_1"),
    ],
)
def test_a_proof_comes_back_as_it_was(thought: Thinking) -> None:
    assert read_thought(thought.text, write_proof(thought), thought.id) == thought


def test_only_the_own_proof_is_for_an_upstream() -> None:
    assert own_proof(Thinking("", OWN)) == "gAAA:x"
    assert own_proof(Thinking("", redacted=OWN)) == "gAAA:x"
    assert own_proof(Thinking("", FOREIGN)) is None
    assert own_proof(Thinking("")) is None


@pytest.mark.parametrize("encrypted", ["clinx:", "clinx:a:b", "other:a:b:c"])
def test_what_is_no_mark_is_the_vendors(encrypted: str) -> None:
    assert read_thought("", encrypted, None) == Thinking("", Signature("openai_responses", encrypted))
