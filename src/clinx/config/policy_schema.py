"""The shape of policies/*.yaml: a list of rules, each with a name, a condition and exactly one verb.

Docstrings of fields are the descriptions in the JSON Schema that editors use. What parameters refer to (models, tags,
patterns, paths) is checked where rules are compiled.
"""

# ruff: noqa: RUF012  (pydantic copies the default of a field for every instance)
from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, RootModel, StringConstraints, model_validator

from clinx.config.quantities import AmountText, Money, NetworkText, Seconds, Size, Window
from clinx.config.schema import HeaderName, ModelName, Name, Shape
from clinx.config.strict import CLOCK
from clinx.policies.guard import REPLACEMENT
from clinx.policies.guard_patterns import MAX_WINDOW, WINDOW

VERBS: Final = (
    "allow",
    "deny",
    "limit",
    "budget",
    "rewrite",
    "route",
    "affinity",
    "guard",
    "retry",
    "multiply",
)

Message = Annotated[str, StringConstraints(min_length=1, max_length=500)]
"""What a refused caller is told."""
Source = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
"""An expression."""
PathText = Annotated[str, StringConstraints(min_length=1, max_length=300)]
"""Where in a body: `messages[0].content`, `metadata.user_id`, `messages[*].name`."""
Clock = Annotated[str, StringConstraints(pattern=CLOCK)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Subject = Literal["user", "token", "group", "model", "channel", "address"]


class AllowShape(Shape):
    """What the selected callers may use: only what is listed. A list that is absent says nothing."""

    models: Annotated[list[ModelName], Field(min_length=1)] | None = None
    """Public names; `*` stands for any text. Model lists show no others."""
    operations: Annotated[list[str], Field(min_length=1)] | None = None
    """chat, complete, embed, …"""
    networks: Annotated[list[NetworkText], Field(min_length=1)] | None = None
    """Address ranges that calls may come from."""
    hours: Clock | None = None
    """When calls may be made: 09:00-18:00, in `server.timezone`. A window may go over midnight."""
    days: Annotated[list[Day], Field(min_length=1)] | None = None
    """On which days."""
    message: Message | None = None
    """What a refused caller is told."""


class DenyShape(Shape):
    """The selected calls are refused."""

    message: Message | None = None
    """What the caller is told; the rule's name when absent."""


class LimitShape(Shape):
    """How much of something in a window of time, or how many calls at once."""

    requests: Annotated[int, Field(ge=1)] | None = None
    """Calls in the window."""
    tokens: Size | None = None
    """Prompt and answer tokens in the window."""
    amount: Money | None = None
    """Charges in the window."""
    concurrency: Annotated[int, Field(ge=1)] | None = None
    """Calls under way at the same time."""
    per: Window | None = None
    """The window: 30s, 1m, 1h, 1d."""
    window: Literal["sliding", "fixed"] = "sliding"
    """`sliding` looks back from now; `fixed` begins anew at every full minute, hour or day."""
    of: Subject | Annotated[list[Subject], Field(min_length=1)] = "user"
    """Who is counted apart: each user, each token; several together count each combination."""
    count: Literal["all", "success"] = "all"
    """Whether calls that failed count."""
    fail: Literal["open", "closed"] = "open"
    """What happens while the counters of several processes cannot be reached."""
    message: Message | None = None
    """What a refused caller is told."""


class BudgetShape(Shape):
    """How much money may be spent in a period."""

    amount: Money
    """In the ledger's currency."""
    per: Literal["hour", "day", "month", "total"]
    """The period, by the calendar in UTC; `total` never begins anew."""
    of: Subject | Annotated[list[Subject], Field(min_length=1)] = "user"
    """Who is counted apart."""
    fail: Literal["open", "closed"] = "closed"
    """What happens while the counters of several processes cannot be reached."""
    message: Message | None = None
    """What a refused caller is told."""


class GuardShape(Shape):
    """Content rules over the texts of requests and answers."""

    match: Annotated[list[Annotated[str, StringConstraints(min_length=1)]], Field(min_length=1)] | None = None
    """Patterns, matched in linear time (RE2)."""
    words: Annotated[list[Annotated[str, StringConstraints(min_length=1)]], Field(min_length=1)] | None = None
    """Words, whatever their case."""
    words_file: Annotated[str, StringConstraints(min_length=1)] | None = None
    """A file of the tree with one word a line: policies/words/….txt."""
    whole_words: bool = True
    """Whether a word counts only where it stands alone."""
    action: Literal["block", "mask", "flag"] = "block"
    """`block` refuses, `mask` replaces, `flag` only writes it down."""
    on: Literal["input", "output", "both"] = "input"
    """Which texts are looked at."""
    replacement: Annotated[str, StringConstraints(min_length=1, max_length=100)] = REPLACEMENT
    """What a masked text is replaced with."""
    window: Annotated[int, Field(ge=16, le=MAX_WINDOW)] = WINDOW
    """Bytes of the longest match of a pattern in an answer; as much of a stream may be held back to find it."""
    message: Message | None = None
    """What a refused caller is told."""


class TrimShape(Shape):
    """What is taken off a text."""

    prefix: str = ""
    """At its beginning."""
    suffix: str = ""
    """At its end."""
    space: bool = False
    """White space at both ends, first."""


class ReplaceShape(Shape):
    """What is replaced in a text."""

    match: Annotated[str, StringConstraints(min_length=1)]
    """A pattern (RE2)."""
    text: str
    """What stands there instead; `\\1` is the first group."""


class HeadersShape(Shape):
    """Changes to the headers that an upstream is sent. Credentials and headers of the connection cannot be named."""

    set: dict[HeaderName, str] = {}
    """Header to value; values may hold `{{ expressions }}`."""
    delete: list[HeaderName] = []
    """Caller's headers that are not sent on."""
    copy_: Annotated[dict[HeaderName, HeaderName], Field(alias="copy")] = {}
    """A caller's header to the name it is sent on under."""
    pass_: Annotated[list[HeaderName], Field(alias="pass")] = []
    """A caller's headers that are sent on as they came."""


class RewriteShape(Shape):
    """Changes to a request, made in the order in which they are listed here. Texts may hold `{{ expressions }}`."""

    model: Annotated[str, StringConstraints(min_length=1)] | None = None
    """The model that is asked for instead."""
    copy_: Annotated[dict[PathText, PathText], Field(alias="copy")] = {}
    """From path to path."""
    move: dict[PathText, PathText] = {}
    """From path to path."""
    delete: list[PathText] = []
    """Paths."""
    default: dict[PathText, Any] = {}
    """Values where there is nothing, or null."""
    set: dict[PathText, Any] = {}
    """Values."""
    replace: dict[PathText, ReplaceShape] = {}
    """Patterns in texts."""
    trim: dict[PathText, TrimShape] = {}
    """Beginnings and ends of texts."""
    prepend: dict[PathText, Any] = {}
    """At the front of a list or a text."""
    append: dict[PathText, Any] = {}
    """At the end of a list or a text."""
    headers: HeadersShape | None = None
    """Changes to the headers that the upstream is sent."""
    thinking_to_content: bool | None = None
    """Whether thoughts are told as content between <think> and </think>, instead of what the channel says."""


class RouteShape(Shape):
    """Which channels serve, by their tags."""

    require: Annotated[list[Name], Field(min_length=1)] | None = None
    """Only channels with all of these tags."""
    prefer: Annotated[list[Name], Field(min_length=1)] | None = None
    """Channels with one of these tags first."""
    avoid: Annotated[list[Name], Field(min_length=1)] | None = None
    """Channels with one of these tags last."""
    channel: Name | None = None
    """Only this channel."""
    strategy: Literal["weighted", "least_busy", "lowest_latency", "cheapest", "in_order"] | None = None
    """How equals of one priority are ordered."""


class AffinityShape(Shape):
    """Calls with the same key prefer the channel that served the last one, as long as it is healthy."""

    key: Source
    """An expression: `header["x-session-id"] or token.id`."""
    ttl: Seconds = 3600.0
    """How long a channel is remembered after its last answer; 1h when absent."""


class RetryShape(Shape):
    """How often is tried, instead of what channels say."""

    attempts: Annotated[int, Field(ge=1, le=3)]
    """Most attempts; 1 means no retry."""


class MultiplyShape(Shape):
    """A factor on the price, beside the group's."""

    price: AmountText
    """`"0.5"` is half."""


class RuleShape(Shape):
    """One rule: a name, a condition, one verb."""

    name: Name
    """Unique in the tree; logs, metrics and refusals name it."""
    description: Annotated[str, StringConstraints(max_length=1000)] = ""
    """For people."""
    when: Source | None = None
    """An expression over user, token, group, model, operation, dialect, stream, header, address, now, request and
    offered; every call when absent."""
    allow: AllowShape | None = None
    """Only what is listed may be used."""
    deny: DenyShape | None = None
    """Refuse."""
    limit: LimitShape | None = None
    """So much per time, or at once."""
    budget: BudgetShape | None = None
    """So much money per period."""
    rewrite: RewriteShape | None = None
    """Change the request."""
    route: RouteShape | None = None
    """Choose channels."""
    affinity: AffinityShape | None = None
    """Stay with a channel."""
    guard: GuardShape | None = None
    """Look at texts."""
    retry: RetryShape | None = None
    """How often is tried."""
    multiply: MultiplyShape | None = None
    """A factor on the price."""

    @model_validator(mode="after")
    def _one_verb(self) -> Self:
        given = [verb for verb in VERBS if getattr(self, verb) is not None]
        if len(given) != 1:
            said = f"this one has {' and '.join(given)}" if given else f"one of {', '.join(VERBS)}"
            raise ValueError(f"a rule has exactly one verb: {said}")
        return self


class PolicyFileShape(RootModel[list[RuleShape]]):
    """A file of policies/: a list of rules."""
