"""What proves a thought, in the one member this format has for it.

Clients keep ``encrypted_content`` and send it back unread. So the signatures of other vendors travel there, too, behind
a mark that says whose they are: who asks another vendor's model by this format keeps its thoughts.
"""

from __future__ import annotations

from typing import Final

from clinx.canonical.content import Signature, Thinking
from clinx.dialects.openai_responses.endpoints import NAME

_MARK: Final = "clinx"
_SIGNED: Final = "signature"
_REDACTED: Final = "redacted"
_FIELDS: Final = 4


def write_proof(part: Thinking) -> str | None:
    """Return the encrypted content of a thought for a caller; None when nobody proves it."""
    for kind, proof in ((_SIGNED, part.signature), (_REDACTED, part.redacted)):
        if proof is not None:
            return proof.value if proof.dialect == NAME else f"{_MARK}:{proof.dialect}:{kind}:{proof.value}"
    return None


def own_proof(part: Thinking) -> str | None:
    """Return what an upstream of this format gave for a thought; None if another vendor made it."""
    proofs = (proof.value for proof in (part.signature, part.redacted) if proof is not None and proof.dialect == NAME)
    return next(proofs, None)


def read_thought(text: str, encrypted: str | None, identity: str | None) -> Thinking:
    """Return the thought of an item with such a summary and encrypted content."""
    if not encrypted:
        return Thinking(text, id=identity)
    fields = encrypted.split(":", _FIELDS - 1)
    if len(fields) != _FIELDS or fields[0] != _MARK:
        return Thinking(text, Signature(NAME, encrypted), id=identity)
    proof = Signature(fields[1], fields[3])
    return Thinking(text, redacted=proof) if fields[2] == _REDACTED else Thinking(text, proof)
