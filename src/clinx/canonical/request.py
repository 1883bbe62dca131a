"""A chat request that belongs to no dialect.

Where things stand:

- Instructions that come before the conversation are ``system``. One in its middle is a turn of the role SYSTEM;
  formats that have no such thing are encoded from `system_first`.
- A turn is what one message was. Results of calls are parts of USER turns, and come before the other parts of theirs.
  Formats that want roles to alternate are encoded from `alternating`.
- What canonical has no place for is in ``extras``, under the dialect it came from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final, TypeAlias

from msgspec import Raw, Struct, field, structs

from clinx.canonical.content import Part, ToolCall, ToolResult, Unknown
from clinx.canonical.tools import Tool, ToolChoice

Number: TypeAlias = int | float


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class Turn(Struct, frozen=True, omit_defaults=True):
    """One message."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None
    """Of the participant, where there are several."""


class Sampling(Struct, frozen=True, omit_defaults=True):
    """How an answer is drawn; None is not said."""

    max_tokens: int | None = None
    """The bound on one answer, thinking included."""
    temperature: Number | None = None
    """As the caller wrote it: from 0 to 2 in most formats, to 1 in some; encoders clamp."""
    top_p: Number | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    presence_penalty: Number | None = None
    frequency_penalty: Number | None = None
    choices: int | None = None
    logprobs: int | None = None
    """Of each token of the answer, and of so many alternatives at its place."""


class FormatKind(StrEnum):
    """What an answer must be."""

    TEXT = "text"
    JSON = "json"
    SCHEMA = "schema"


class ResponseFormat(Struct, frozen=True, omit_defaults=True):
    """The form of the answer."""

    kind: FormatKind
    schema: Raw | None = None
    """JSON Schema as text; with SCHEMA never None."""
    name: str | None = None
    description: str | None = None
    strict: bool | None = None


class Effort(StrEnum):
    """How much thinking is wanted, in words."""

    NONE = "none"
    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    MAX = "max"


SMALL_BUDGET: Final = 1500
MEDIUM_BUDGET: Final = 5000


class ThinkingWish(Struct, frozen=True, omit_defaults=True):
    """How much thinking is wanted. Effort NONE or a budget of 0 is off; neither: as much as the model likes."""

    effort: Effort | None = None
    budget: int | None = None
    """Tokens."""
    shown: bool | None = None
    """Whether thoughts, or summaries of them, are wanted in the answer; None: not said."""

    @property
    def is_off(self) -> bool:
        """Whether there is to be none."""
        return self.effort is Effort.NONE or (self.effort is None and self.budget == 0)

    def as_effort(self) -> Effort | None:
        """Return the wish in words, for formats that have no budgets; None when it is left to the model."""
        if self.effort is not None or self.budget is None or self.budget < 0:
            return self.effort
        if self.budget == 0:
            return Effort.NONE
        if self.budget <= SMALL_BUDGET:
            return Effort.LOW
        return Effort.MEDIUM if self.budget <= MEDIUM_BUDGET else Effort.HIGH


class Extra(Struct, frozen=True, omit_defaults=True):
    """A member of a request that only its own dialect has."""

    value: Raw
    is_essential: bool = False
    """Whether the answer is not what was asked for without it: leaving it out is then a severe loss."""


Extras: TypeAlias = Mapping[str, Mapping[str, Extra]]
"""Dialect to the names of its members; a dot leads into a member: ``generationConfig.speechConfig``."""


class ChatRequest(Struct, frozen=True, omit_defaults=True):
    """Everything a caller asks for."""

    model: str
    """The name the caller used."""
    turns: tuple[Turn, ...]
    system: tuple[Part, ...] = ()
    """Text, mostly; Unknown where a dialect puts something else there."""
    tools: tuple[Tool | Unknown, ...] = ()
    tool_choice: ToolChoice | None = None
    sampling: Sampling = Sampling()
    response_format: ResponseFormat | None = None
    thinking: ThinkingWish | None = None
    """None: not said."""
    stream: bool = False
    user: str | None = None
    """Who of the caller's users asks."""
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    extras: Extras = field(default_factory=dict[str, Mapping[str, Extra]])


def system_first(request: ChatRequest) -> ChatRequest:
    """Return the request with all instructions in ``system``, in their order."""
    late = [part for turn in request.turns if turn.role is Role.SYSTEM for part in turn.parts]
    if not late:
        return request
    turns = tuple(turn for turn in request.turns if turn.role is not Role.SYSTEM)
    return structs.replace(request, system=(*request.system, *late), turns=turns)


def alternating(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Return turns of which no two neighbours have one role: their parts are joined, and names are left out."""
    merged: list[tuple[Role, list[Part]]] = []
    for turn in turns:
        if not merged or merged[-1][0] is not turn.role:
            merged.append((turn.role, []))
        merged[-1][1].extend(turn.parts)
    return tuple(Turn(role, _results_first(parts)) for role, parts in merged)


def named_results(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Return the turns with each result named after the call it answers, where it has no name and the call is there."""
    names: dict[str, str] = {}
    return tuple(_named(turn, names) for turn in turns)


def _named(turn: Turn, names: dict[str, str]) -> Turn:
    names.update({part.id: part.name for part in turn.parts if isinstance(part, ToolCall)})
    return structs.replace(turn, parts=tuple(_with_names(turn.parts, names)))


def _with_names(parts: Sequence[Part], names: Mapping[str, str]) -> Iterator[Part]:
    for part in parts:
        if isinstance(part, ToolResult) and part.name is None:
            yield structs.replace(part, name=names.get(part.call_id))
        else:
            yield part


def _results_first(parts: Sequence[Part]) -> tuple[Part, ...]:
    results = [part for part in parts if isinstance(part, ToolResult)]
    return (*results, *(part for part in parts if not isinstance(part, ToolResult)))
