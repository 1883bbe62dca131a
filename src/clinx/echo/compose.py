"""What the echo server says: always the same for the same body."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from clinx.echo.ask import ChatAsk, CompletionAsk, Message, TextAsk

Count = Callable[[str], int]
"""Text to its number of tokens."""

_PIECE: Final = re.compile(r"\s*\S+|\s+$")
_LONGEST_ECHO: Final = 400
"""Characters of the prompt that are said back: a long prompt must not make a long answer."""

_REST: Final = (
    "This answer comes from the upstream that is built into the gateway. It needs no key and no network, and it"
    " always says the same. On its way to you it was routed, metered, priced and charged like any other."
)
_PER_MESSAGE: Final = 3
_PER_REPLY: Final = 3


@dataclass(frozen=True, slots=True)
class Reply:
    """One choice."""

    text: str
    finish: str
    """``stop``, ``length`` or ``tool_calls``."""
    tool: str | None = None
    """The function it calls, with no arguments, instead of saying something."""

    @property
    def pieces(self) -> list[str]:
        """The text cut the way a stream brings it: word by word."""
        return _PIECE.findall(self.text)


def replies(ask: TextAsk, count: Count) -> list[Reply]:
    """Return every choice that was asked for."""
    if isinstance(ask, CompletionAsk):
        return [_reply(prompt, ask.limit, count) for prompt in ask.prompts for _ in range(ask.n or 1)]
    if ask.forced_tool is not None:
        return [Reply("", "tool_calls", ask.forced_tool)] * (ask.n or 1)
    return [_reply(_last_said(ask.messages), ask.limit, count)] * (ask.n or 1)


def prompt_tokens(ask: TextAsk, count: Count) -> int:
    """Count the prompt the way OpenAI documents it."""
    if isinstance(ask, ChatAsk):
        return _PER_REPLY + sum(_PER_MESSAGE + count(message.role) + count(message.text) for message in ask.messages)
    return sum(count(prompt) for prompt in ask.prompts)


def answer_tokens(answers: list[Reply], count: Count) -> int:
    """Count all choices; a call counts its name and its empty arguments."""
    return sum(count(answer.text) if answer.tool is None else count(answer.tool) + count("{}") for answer in answers)


def _last_said(messages: list[Message]) -> str:
    said = [message.text for message in messages if message.role == "user"]
    return said[-1] if said else messages[-1].text


def _reply(prompt: str, limit: int | None, count: Count) -> Reply:
    text = f"Echo: {prompt[:_LONGEST_ECHO]}\n\n{_REST}"
    if limit is None or count(text) <= limit:
        return Reply(text, "stop")
    return Reply(_cut(text, limit, count), "length")


def _cut(text: str, limit: int, count: Count) -> str:
    """Return a start of the text of at most so many tokens, as long as a search by halves finds."""
    fits, too_long = 0, len(text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if count(text[:middle]) <= limit:
            fits = middle
        else:
            too_long = middle
    return text[:fits]
