"""An answer's surroundings: who asked, and ids that count."""

from __future__ import annotations

import itertools

from clinx.dialects.base import Answering, Envelope
from clinx.dialects.body import JsonBody
from clinx.domain.operation import Operation


def answering() -> Answering:
    body = JsonBody.parse(b"{}")
    envelope = Envelope("anthropic", Operation.CHAT, "public", True, body, 100, 1, 2, True)
    numbers = itertools.count(1)
    return Answering(envelope, 1_700_000_000, lambda prefix: f"{prefix}{next(numbers)}")
