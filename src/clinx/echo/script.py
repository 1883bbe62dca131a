"""How the echo server behaves, by the end of a model's name: ``echo-slow``, ``echo-429``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Ending(StrEnum):
    """How an answer ends."""

    GOOD = "good"
    DROPPED = "dropped"
    """The connection goes away: in the middle of a stream, or instead of a whole answer."""
    FAILED = "failed"
    """An error event in the middle of a stream, or an error object instead of a whole answer; the status is 200."""
    NEVER = "never"
    """Nothing is ever answered."""
    PAGE = "page"
    """A web page with status 200."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is an error."""

    status: int
    type: str
    code: str | None
    message: str
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType(dict[str, str]()))


@dataclass(frozen=True, slots=True)
class Script:
    """One behaviour."""

    ending: Ending = Ending.GOOD
    refusal: Refusal | None = None
    first_delay: float = 0.0
    """Seconds before the first piece of a stream, or before a whole answer."""
    pace: float = 0.0
    """Seconds between the pieces of a stream."""
    reports_usage: bool = True


PLAIN: Final = Script()

SCRIPTS: Final[Mapping[str, Script]] = MappingProxyType(
    {
        "slow": Script(first_delay=0.5, pace=0.05),
        "drop": Script(ending=Ending.DROPPED),
        "error": Script(ending=Ending.FAILED),
        "hang": Script(ending=Ending.NEVER),
        "html": Script(ending=Ending.PAGE),
        "nousage": Script(reports_usage=False),
        "400": Script(
            refusal=Refusal(
                400,
                "invalid_request_error",
                "context_length_exceeded",
                "This model's maximum context length is 16 tokens. Please reduce the length of the messages.",
                param="messages",
            )
        ),
        "401": Script(refusal=Refusal(401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided.")),
        "429": Script(
            refusal=Refusal(429, "requests", "rate_limit_exceeded", "Rate limit reached.", headers={"Retry-After": "1"})
        ),
        "500": Script(refusal=Refusal(500, "server_error", None, "The server had an error.")),
    }
)
"""The word after the last hyphen of a model's name, and what it does."""

BROKEN_OFF: Final = Refusal(200, "server_error", None, "The server had an error while processing your request.")
"""What `Ending.FAILED` says."""


def script_for(model: str) -> Script:
    """Return the behaviour a model's name asks for; any other name gets a good answer."""
    return SCRIPTS.get(model.rpartition("-")[2], PLAIN)
