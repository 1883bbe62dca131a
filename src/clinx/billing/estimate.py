"""The most and the least an exchange may use: what a hold must cover, and what it pays for. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from clinx.domain.catalog import Model
from clinx.domain.money import Amount
from clinx.domain.usage import Usage

ENVELOPE_TOKENS: Final = 16
"""What a vendor adds around the prompt: roles, separators, the primed answer."""

DEFAULT_MAX_OUTPUT: Final = 4096
"""Tokens of an answer that neither the caller nor the model bounds."""

HORIZON: Final = 4096
"""The most tokens of a streamed answer that are held from the start where the hold can be raised as it runs."""

STEP: Final = 1024
"""How many tokens of a running answer are held ahead of what was made."""

BYTES_PER_TOKEN: Final = 4
"""Of a prompt, as a quick estimate of the least it is."""

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


def longest_answer(max_output_tokens: int | None, model: Model, default_max_output: int = DEFAULT_MAX_OUTPUT) -> int:
    """Return the most tokens one answer may have.

    The caller's bound counts as it is, for it is what the upstream is told; without one, the model's own bound counts,
    and without that the default.
    """
    if max_output_tokens is not None:
        return max_output_tokens
    return default_max_output if model.max_output is None else model.max_output


def ceiling(
    *,
    prompt_tokens: int,
    choices: int,
    max_output_tokens: int | None,
    model: Model,
    default_max_output: int = DEFAULT_MAX_OUTPUT,
) -> Usage:
    """Return the most usage that an exchange may cause: a whole prompt, and ``choices`` answers of full length.

    Raises:
        ValueError: a negative count, or no choice at all.
    """
    if prompt_tokens < 0 or choices < 1 or (max_output_tokens is not None and max_output_tokens < 0):
        raise ValueError("an exchange has a prompt of at least nothing and at least one choice")
    prompt = prompt_tokens if model.context is None else min(prompt_tokens, model.context)
    answer = longest_answer(max_output_tokens, model, default_max_output)
    return Usage(input=prompt, output=choices * answer, call=1)


def least_prompt(prompt_bytes: int) -> int:
    """Return about the least tokens of a prompt of so many bytes."""
    return prompt_bytes // BYTES_PER_TOKEN


def affordable(available_nano: int, most: int, price: Callable[[int], Amount]) -> int | None:
    """Return how many tokens of answer an amount pays for, but no more than ``most``.

    Args:
        available_nano: the amount; may be negative.
        most: how many tokens are wanted.
        price: what an exchange costs whose answer has so many tokens; never falls as they become more.

    Returns:
        The tokens; None when not even an exchange without an answer is paid for.
    """
    if not _covers(available_nano, price, 0):
        return None
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _covers(available_nano, price, middle) else (low, middle - 1)
    return low


def _covers(available_nano: int, price: Callable[[int], Amount], tokens: int) -> bool:
    try:
        return price(tokens).nano <= available_nano
    except OverflowError:
        return False


class Cover(Struct, frozen=True):
    """What a hold pays for, in tokens."""

    prompt: int
    output: int
    """All answers of the exchange together."""
    most: int
    """What they may come to; more than ``output`` while the hold can still be raised."""

    @property
    def raise_at(self) -> int:
        """How much must have been made for more to be covered.

        That is a step early, but what was covered to the end is not raised before its end is passed: few answers are.
        """
        return self.output + 1 - (STEP if self.output < self.most else 0)

    def raised(self, made: int) -> Cover:
        """Return what to cover when so much was made: a step more, but the end rather than beyond it."""
        output = max(made, self.output) + STEP
        if self.output < self.most:
            output = min(output, max(made, self.most))
        return Cover(self.prompt, output, self.most)
