"""The most an exchange may use: what a hold must cover. Pure."""

from __future__ import annotations

from typing import Final

from clinx.domain.catalog import Model
from clinx.domain.usage import Usage

BYTES_PER_TOKEN: Final = 3
"""Fewer than real text has in any common encoding (about 4 in English), so that the bound is on the safe side."""

ENVELOPE_TOKENS: Final = 16
"""What a vendor adds around the prompt: roles, separators, the primed answer."""

DEFAULT_MAX_OUTPUT: Final = 4096
"""Tokens of an answer that neither the caller nor the model bounds."""


def prompt_bound(prompt_bytes: int) -> int:
    """Return a number of tokens that a prompt of so many bytes hardly exceeds, without reading it."""
    return -(-prompt_bytes // BYTES_PER_TOKEN) + ENVELOPE_TOKENS


def ceiling(
    *,
    prompt_tokens: int,
    choices: int,
    max_output_tokens: int | None,
    model: Model,
    default_max_output: int = DEFAULT_MAX_OUTPUT,
) -> Usage:
    """Return the most usage that an exchange may cause: a whole prompt, and ``choices`` answers of full length.

    The caller's bound on one answer counts as far as the model's own goes; without one, the smaller of the model's
    and the default counts.

    Raises:
        ValueError: a negative count, or no choice at all.
    """
    if prompt_tokens < 0 or choices < 1 or (max_output_tokens is not None and max_output_tokens < 0):
        raise ValueError("an exchange has a prompt of at least nothing and at least one choice")
    prompt = prompt_tokens if model.context is None else min(prompt_tokens, model.context)
    answer = default_max_output if max_output_tokens is None else max_output_tokens
    if model.max_output is not None:
        answer = min(answer, model.max_output)
    return Usage(input=prompt, output=choices * answer, call=1)
