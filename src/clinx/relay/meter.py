"""Total the usage of an answer: what the upstream reports, as far as it can be true, else what we count ourselves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from msgspec import structs

from clinx.billing.estimate import DEFAULT_MAX_OUTPUT, prompt_bound
from clinx.counting.encoding import encoding_for, is_loaded
from clinx.counting.tokens import count_tokens
from clinx.dialects.base import Dialect, Envelope
from clinx.domain.catalog import Model
from clinx.domain.usage import ANSWER_UNITS, Usage

log = logging.getLogger("clinx.relay")

_IN_THREAD: Final = 50_000
"""Bytes above which counting would hold the event loop for more than a few milliseconds (libraries.md 6.4)."""

COUNT_EVERY: Final = 256 * 1024
"""Characters of generated text that are kept before they are counted and let go."""

_ABSURD: Final = 3
"""A report of more than so many times what is possible is not believed (streaming.md)."""

_HIDDEN: Final = 2_000_000
"""Tokens that may leave no trace in a body: media named by address on the way in, reasoning on the way out. No model
takes or makes more."""


class Meter:
    """Counts for one exchange, in the encoding of its model."""

    def __init__(self, dialect: Dialect, envelope: Envelope, model: Model) -> None:
        """Choose nothing and load nothing until something must be counted: most upstreams say what they used."""
        self._dialect = dialect
        self._envelope = envelope
        self._model = model
        self._output_tokens = 0
        self._characters = 0
        self._prompt_tokens: int | None = None

    @property
    def _encoding(self) -> str:
        return encoding_for(self._envelope.model, self._model.encoding)

    async def add(self, text: str) -> None:
        """Count a part of the answer's text, so that it need not be kept."""
        self._output_tokens += await self._count(text)
        self._characters += len(text)

    async def total(self, reported: Usage | None, text: str, *, whole: bool = True) -> Usage:
        """Return the usage to charge.

        Args:
            reported: what the upstream said, if anything.
            text: the generated text that was not given to `add`.
            whole: whether the answer came to its end. Of one that was cut short a report may be from its beginning:
                what was seen to be generated is the least it cost.
        """
        if reported is not None and not self._is_possible(reported, self._characters + len(text)):
            log.warning("usage.absurd", extra={"model": self._envelope.model[:100], "usage": reported.nonzero()})
            reported = None
        if reported is not None and whole:
            return reported
        counted = await self._counted(text)
        if reported is None or reported.output_tokens >= counted.output_tokens:
            return reported or counted
        # What the vendor said of the prompt stands; of the answer it had not said all.
        return counted if not reported.input_tokens else _with_answer(reported, counted)

    async def prompt(self) -> int:
        """Count the prompt, once."""
        if self._prompt_tokens is None:
            self._prompt_tokens = await self._run(self._prompt)
        return self._prompt_tokens

    async def _counted(self, text: str) -> Usage:
        await self.add(text)
        prompt = await self.prompt()
        return Usage(input=prompt, output=self._output_tokens, call=1, estimated=True)

    def _is_possible(self, reported: Usage, characters: int) -> bool:
        """Tell a report from nonsense: it may exceed what we can see, but not by everything."""
        answer = self._envelope.max_output_tokens or self._model.max_output or DEFAULT_MAX_OUTPUT
        most_output = max(characters, self._envelope.choices * answer)
        return (
            reported.input_tokens <= _ABSURD * prompt_bound(self._envelope.prompt_bytes) + _HIDDEN
            and reported.output_tokens <= _ABSURD * most_output + _HIDDEN
        )

    async def _count(self, text: str) -> int:
        if not text:
            return 0
        return await self._run(partial(count_tokens, text, encoding=self._encoding), len(text))

    async def _run(self, work: Callable[[], int], size: int | None = None) -> int:
        """Count here when it is quick, in a thread when the text is long or the encoding must be loaded first."""
        length = self._envelope.prompt_bytes if size is None else size
        if length > _IN_THREAD or not is_loaded(self._encoding):
            return await asyncio.to_thread(work)
        return work()

    def _prompt(self) -> int:
        return self._dialect.count_prompt(self._envelope, partial(count_tokens, encoding=self._encoding))


def _with_answer(reported: Usage, counted: Usage) -> Usage:
    answer = {unit.value: 0 for unit in ANSWER_UNITS}
    return structs.replace(
        reported, **{**answer, "output": counted.output, "call": max(reported.call, counted.call), "estimated": True}
    )
