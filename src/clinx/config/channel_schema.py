"""The shapes of a channel's parts: deadlines, what happens when it fails or is full, what is added to its requests."""

# ruff: noqa: RUF012  (pydantic copies the default of a field for every instance)
from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from clinx.config.quantities import Seconds, Share, Size, Statuses
from clinx.config.strict import Shape

Words = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""Words in a vendor's message, in any case."""
FailedStatus = Annotated[str, StringConstraints(pattern=r"^[45][0-9][0-9]$")]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


class TimeoutsShape(Shape):
    """Deadlines of one attempt."""

    connect: Seconds | None = None
    """Until connected; 5s when absent."""
    write: Seconds | None = None
    """Until the whole request has been taken off our hands; 60s when absent."""
    first_byte: Seconds | None = None
    """Until the first byte of a streamed answer; 60s when absent."""
    whole: Seconds | None = None
    """Until the first byte of an answer that is not streamed: it is made as a whole before; 10m when absent."""
    idle: Seconds | None = None
    """Between two pieces of the answer; 120s when absent."""
    total: Seconds | None = None
    """The whole exchange, all attempts together; 30m when absent."""


class RetryShape(Shape):
    """What happens after a failure that another channel might not have."""

    attempts: Annotated[int, Field(ge=1, le=3)] = 3
    """Most attempts of one exchange while this channel leads; 1 means no retry."""
    on: list[Statuses] | None = None
    """The only statuses after which another channel is tried: 429, "5xx", "500-503"; what a failure means if absent."""
    texts: list[Words] = []
    """Words in the vendor's message after which another channel is tried, whatever the status."""


class OpenOnShape(Shape):
    """Answers that open a circuit at once."""

    statuses: list[Statuses] = []
    """Statuses and ranges: 403, "5xx", "500-503"."""
    texts: list[Words] = []
    """Words in the vendor's message, in any case."""


class CircuitShape(Shape):
    """When a channel's credential is left alone for one of its models, and for how long."""

    failures: Count = 5
    """So many failures in a row open it."""
    rate: Share = 0.5
    """Or this share of the calls of a window; 50% when absent."""
    window: Seconds = 60.0
    """The window; 60s when absent."""
    volume: Count = 20
    """Fewer calls in a window have no rate."""
    cooldown: Seconds = 5.0
    """Until one call may probe it; doubled whenever the probe fails; 5s when absent."""
    longest: Seconds = 300.0
    """What is not doubled any more; 5m when absent."""
    open_on: OpenOnShape = OpenOnShape()
    """Answers that open it at once."""


class LimitsShape(Shape):
    """How much a channel takes; it is skipped while it is full. Each process counts for itself."""

    rpm: Count | None = None
    """Attempts within a minute."""
    tpm: Size | None = None
    """Tokens within a minute: an estimate of the prompt first, what was used afterwards."""
    concurrency: Count | None = None
    """Attempts under way."""


class ChannelTestShape(Shape):
    """How a channel is tried out; the tests are billed to nobody."""

    every: Seconds
    """How often each credential is tested."""
    model: Annotated[str, StringConstraints(min_length=1)] | None = None
    """The public name of one of the channel's models; the first one when absent."""
    operation: Literal["chat", "complete", "embed"] | None = None
    """What is asked; a chat when absent, if the provider takes one."""


class SystemPromptShape(Shape):
    """What a channel tells its models, whoever asks."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=100_000)]
    """The prompt."""
    mode: Literal["prepend", "append", "override", "default"] = "prepend"
    """Before or after the caller's own, in its place, or only where the caller has none."""
