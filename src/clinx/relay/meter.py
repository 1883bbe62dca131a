"""Total the usage of an answer: what the upstream reports, else what we count ourselves, offline."""

from __future__ import annotations

import asyncio
from functools import partial

from clinx.counting.encoding import encoding_for
from clinx.counting.tokens import count_tokens
from clinx.dialects.base import Dialect, Envelope
from clinx.domain.catalog import Model
from clinx.domain.usage import Usage

_IN_THREAD = 50_000
"""Bytes above which counting would hold the event loop for more than a few milliseconds (libraries.md 6.4)."""


class Meter:
    """Counts for one exchange, in the encoding of its model."""

    def __init__(self, dialect: Dialect, envelope: Envelope, model: Model) -> None:
        """Choose the encoding; nothing is loaded until something must be counted."""
        self._dialect = dialect
        self._envelope = envelope
        self._encoding = encoding_for(envelope.model, model.encoding)

    async def total(self, reported: Usage | None, text: str) -> Usage:
        """Return the reported usage, or an estimate from the prompt and the generated text."""
        if reported is not None:
            return reported
        if self._envelope.prompt_bytes + len(text) > _IN_THREAD:
            return await asyncio.to_thread(self._count, text)
        return self._count(text)

    def _count(self, text: str) -> Usage:
        count = partial(count_tokens, encoding=self._encoding)
        return Usage(
            input=self._dialect.count_prompt(self._envelope, count),
            output=count(text) if text else 0,
            call=1,
            estimated=True,
        )
