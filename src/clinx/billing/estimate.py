"""The most an exchange may use: what a hold must cover. Pure."""

from __future__ import annotations

from typing import Final

from clinx.domain.catalog import Model
from clinx.domain.usage import Usage

ENVELOPE_TOKENS: Final = 16
"""What a vendor adds around the prompt: roles, separators, the primed answer."""

DEFAULT_MAX_OUTPUT: Final = 4096
"""Tokens of an answer that neither the caller nor the model bounds."""


COUNT_MARGIN: Final = 16
"""A counted prompt is held with one token in so many on top: other tokenizers cut differently than ours."""


def prompt_bound(prompt_bytes: int) -> int:
    """Return a number of tokens that a prompt of so many bytes does not exceed, without reading it.

    No byte-level tokenizer makes more tokens than there are bytes; digits and rare scripts come close to that.
    """
    return prompt_bytes + ENVELOPE_TOKENS


def counted_bound(prompt_tokens: int) -> int:
    """Return the tokens to hold for a prompt that was counted."""
    return prompt_tokens + prompt_tokens // COUNT_MARGIN + ENVELOPE_TOKENS


def ceiling(
    *,
    prompt_tokens: int,
    choices: int,
    max_output_tokens: int | None,
    model: Model,
    default_max_output: int = DEFAULT_MAX_OUTPUT,
) -> Usage:
    """Return the most usage that an exchange may cause: a whole prompt, and ``choices`` answers of full length.

    The caller's bound on one answer counts as it is, for it is what the upstream is told; without one, the model's
    own bound counts, and without that the default.

    Raises:
        ValueError: a negative count, or no choice at all.
    """
    if prompt_tokens < 0 or choices < 1 or (max_output_tokens is not None and max_output_tokens < 0):
        raise ValueError("an exchange has a prompt of at least nothing and at least one choice")
    prompt = prompt_tokens if model.context is None else min(prompt_tokens, model.context)
    answer = max_output_tokens
    if answer is None:
        answer = default_max_output if model.max_output is None else model.max_output
    return Usage(input=prompt, output=choices * answer, call=1)
