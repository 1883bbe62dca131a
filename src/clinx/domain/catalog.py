"""The catalogue the YAML tree declares: providers, channels, groups and models, compiled to frozen values."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from clinx.domain.ledger import Unresolved
from clinx.domain.operation import Operation
from clinx.domain.pricing import Condition, Price, Rates
from clinx.domain.provider_balance import BalanceRule
from clinx.domain.receipt import Factor
from clinx.domain.resilience import DEFAULT_CIRCUIT, DEFAULT_RETRY, ChannelLimits, ChannelTest, CircuitRule, RetryRule
from clinx.domain.steering import Strategy
from clinx.domain.template import Template


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An inbound (method, path) and what it means. ``path`` is in aiohttp's notation: ``/v1/models/{model}``."""

    method: str
    path: str
    dialect: str
    operation: Operation


@dataclass(frozen=True, slots=True)
class UpstreamEndpoint:
    """Where a provider takes one operation, and in which dialect."""

    operation: Operation
    dialect: str
    path: Template
    query: tuple[tuple[str, Template], ...] = ()
    streaming: UpstreamEndpoint | None = None
    """Where a streamed answer is asked for, if that is elsewhere."""


class UsageInStream(StrEnum):
    """Whether a provider reports usage at the end of a stream."""

    ON_REQUEST = "on_request"
    """When ``stream_options.include_usage`` asks for it (OpenAI)."""
    AUTOMATIC = "automatic"
    """Always; asking is refused or useless."""
    NEVER = "never"
    """Never; asking is an error, so we count."""


class StreamEnd(StrEnum):
    """What marks the end of a good stream."""

    DONE = "done"
    """``data: [DONE]``."""
    FINISH = "finish"
    """A finish reason, then the end of the body (servers that send no marker)."""


@dataclass(frozen=True, slots=True)
class ParamRule:
    """A quirk: changes to the top level of an outbound body. Values are JSON text."""

    when: Condition | None = None
    rename: tuple[tuple[str, str], ...] = ()
    drop: tuple[str, ...] = ()
    default: tuple[tuple[str, bytes], ...] = ()
    set: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Provider:
    """A vendor or self-hosted service: addresses, wire formats, auth scheme, quirks. No secrets."""

    name: str
    base_url: str
    """``builtin:echo`` names the echo server of this process."""
    endpoints: tuple[UpstreamEndpoint, ...]
    headers: tuple[tuple[str, Template], ...] = ()
    """Auth headers; holes: ``key``, ``model``, ``settings.<name>``."""
    query: tuple[tuple[str, Template], ...] = ()
    params: tuple[ParamRule, ...] = ()
    usage_in_stream: UsageInStream = UsageInStream.ON_REQUEST
    stream_end: StreamEnd = StreamEnd.DONE
    inline_thinking: bool = False
    """Texts may begin with thoughts between tags."""
    thinking_begun: bool = False
    """Such texts begin inside a thought."""
    reasoning_history: str | None = None
    """The member in which messages of the model's are to repeat its thoughts (openai_chat); None: nowhere."""
    unresolved: Unresolved = Unresolved.METERED
    """What its channels begin with."""
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    needs_key: bool = True
    balance: BalanceRule | None = None
    """How it is asked what is left; None where it does not say."""

    def endpoint(self, operation: Operation, dialect: str) -> UpstreamEndpoint | None:
        """Return the endpoint that takes this operation in this dialect, if any."""
        for endpoint in self.endpoints:
            if endpoint.operation is operation and endpoint.dialect == dialect:
                return endpoint
        return None


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret a channel presents upstream. Referenced in the tree; shown as a fingerprint everywhere."""

    secret: str = field(repr=False)
    reference: str
    """Where it came from: ``${env:OPENAI_KEY}``."""
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        """Take the fingerprint: 8 hexadecimal digits of the SHA-256."""
        object.__setattr__(self, "fingerprint", hashlib.sha256(self.secret.encode()).hexdigest()[:8])


NO_CREDENTIAL = Credential("", "none")
"""What a channel without keys presents (echo, ollama)."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Deadlines of one attempt, in seconds; ``total`` bounds the whole exchange."""

    connect: float = 5.0
    write: float = 60.0
    """Until the request has been taken off our hands."""
    first_byte: float = 60.0
    """Until a streamed answer begins."""
    whole: float = 600.0
    """Until a whole answer begins: it is made before its first byte is sent."""
    idle: float = 120.0
    total: float = 1800.0


class TransportKind(StrEnum):
    """Which HTTP client carries a channel's requests."""

    HTTP1 = "http1"
    """The relay's own."""
    AIOHTTP = "aiohttp"
    """The general library's; the only one that goes through an HTTP proxy."""


class SystemMode(StrEnum):
    """What a channel's system prompt does to the caller's."""

    PREPEND = "prepend"
    """Goes before it."""
    APPEND = "append"
    """Goes after it."""
    OVERRIDE = "override"
    """Takes its place."""
    DEFAULT = "default"
    """Is sent where the caller has none."""


@dataclass(frozen=True, slots=True)
class SystemPrompt:
    """What a channel tells its model, whoever asks."""

    text: str
    mode: SystemMode = SystemMode.PREPEND


@dataclass(frozen=True, slots=True)
class Channel:
    """One usable way to a provider. Its name is its identity: statistics hang on it, and health with its manner."""

    name: str
    provider: Provider
    base_url: str
    credentials: tuple[Credential, ...]
    models: Mapping[str, str]
    """Public model name (or pattern) to upstream name; a pattern that maps to itself forwards the asked name."""
    groups: tuple[str, ...]
    priority: int = 0
    weight: int = 1
    tags: frozenset[str] = frozenset()
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    set: tuple[tuple[str, bytes], ...] = ()
    """Merged into the outbound body's top level; values are JSON text."""
    drop: tuple[str, ...] = ()
    """Members that are taken out of the outbound body before."""
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    proxy: str | None = field(default=None, repr=False)
    transport: TransportKind = TransportKind.HTTP1
    timeouts: Timeouts = Timeouts()
    retry: RetryRule = DEFAULT_RETRY
    circuit: CircuitRule = DEFAULT_CIRCUIT
    limits: ChannelLimits | None = None
    """What it takes in this process; what is more goes elsewhere."""
    status_map: Mapping[int, int] = field(default_factory=dict[int, int])
    """What another status than the vendor's is read as, of answers that are no success."""
    system_prompt: SystemPrompt | None = None
    thinking_to_content: bool = False
    """Whether thoughts are shown as text, in ``<think>`` tags."""
    test: ChannelTest | None = None
    """How often it is tried out; None where only refused credentials are."""
    unresolved: Unresolved = Unresolved.METERED
    """What a call costs whose process died before it was settled."""
    cost: Rates | None = None
    """What we pay, for margin reports."""
    manner: str = field(init=False, repr=False, compare=False)
    """Fingerprint of how it is asked, and how its answers are judged; not of who may use it, when, or how much. Two
    trees that are served side by side share what is known of a channel only where they ask it in the same manner."""

    def __post_init__(self) -> None:
        """Take the fingerprint; the parts are written out for the two that hold secrets show nothing of themselves."""
        address = (self.provider, self.base_url, self.proxy, self.transport, self.headers, self.settings)
        request = (self.set, self.drop, self.system_prompt, self.thinking_to_content)
        judgement = (self.timeouts, self.retry, self.circuit, self.status_map)
        written = repr((address, request, judgement)).encode("utf-8", "surrogatepass")
        object.__setattr__(self, "manner", hashlib.sha256(written).hexdigest()[:16])


@dataclass(frozen=True, slots=True)
class Group:
    """A named class of users: which channels it sees and the factor on prices."""

    name: str
    multiplier: Fraction = Fraction(1)
    description: str = ""
    tries: tuple[str, ...] = ()
    """When given, the group has no channels of its own: these groups are tried in order."""
    strategy: Strategy | None = None
    """How its channels of one priority are ordered; None is by weight."""
    factor: str = field(init=False, repr=False, compare=False)
    """``x 0.8 of vip``: what receipts say of its multiplier."""

    def __post_init__(self) -> None:
        """Write the text once, not for every call."""
        object.__setattr__(self, "factor", str(Factor(self.multiplier, group=self.name)))


@dataclass(frozen=True, slots=True)
class Model:
    """A public model name (or pattern with ``*``), its price and what the model list says of it."""

    name: str
    price: Price
    context: int | None = None
    """Largest prompt, in tokens."""
    max_output: int | None = None
    """Largest answer, in tokens: the bound of a hold when the caller gives none."""
    grows: bool = False
    """Whether a stream holds little and then more while it runs: only right where it shows every token it makes."""
    vendor: str | None = None
    encoding: str | None = None
    """Named tokenizer encoding for counting; None chooses by name."""
    tags: tuple[str, ...] = ()
    is_lossy: bool = False
    """Whether requests are served even where a channel's wire format cannot say all of them."""
    strategy: Strategy | None = None
    """How its channels of one priority are ordered; None leaves it to the group."""
