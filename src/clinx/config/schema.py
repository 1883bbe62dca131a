"""The shape of gateway.yaml and of the files it includes.

Docstrings of fields are the descriptions in the JSON Schema that editors use. Names that refer to other things are
checked in `references`, not here.
"""

# ruff: noqa: RUF012  (pydantic copies the default of a field for every instance)
from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from clinx.config.channel_schema import (
    ChannelTestShape,
    CircuitShape,
    FailedStatus,
    LimitsShape,
    RetryShape,
    SystemPromptShape,
    TimeoutsShape,
)
from clinx.config.console_schema import ConsoleShape
from clinx.config.quantities import AmountText, Money, Per, Seconds, Share, Size, Text
from clinx.config.server_schema import ServerShape as ServerShape
from clinx.config.strict import MODEL_NAME, NAME
from clinx.config.strict import Shape as Shape

Name = Annotated[str, StringConstraints(pattern=NAME)]
"""What the operator calls a channel, group, profile or tag; it becomes a metric label and a log field."""
ModelName = Annotated[str, StringConstraints(pattern=MODEL_NAME)]
"""A public or upstream model name; `*` stands for any text."""
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")]
HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\t -~\u0080-\uffff]{0,4096}$")]
StrategyName = Literal["weighted", "least_busy", "lowest_latency", "cheapest", "in_order"]
"""How channels of one priority are ordered."""
MemberName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,100}$")]
"""A top-level member of a request body."""


class UnitRates(Shape):
    """Amounts by unit. Buckets are disjoint: a cached token is never also an input token."""

    input: AmountText | None = None
    """Prompt tokens that were not cached."""
    output: AmountText | None = None
    """Generated tokens."""
    cache_read: AmountText | None = None
    """Prompt tokens read from the vendor's cache; as `input` when absent."""
    cache_write: AmountText | None = None
    """Prompt tokens written to the vendor's cache; as `input` when absent."""
    cache_write_1h: AmountText | None = None
    """The same with a lifetime of one hour; as `cache_write` when absent."""
    reasoning: AmountText | None = None
    """Reasoning tokens, when priced apart from `output`."""
    audio_input: AmountText | None = None
    """Audio tokens of the prompt; as `input` when absent."""
    audio_output: AmountText | None = None
    """Audio tokens of the answer; as `output` when absent."""
    image_input: AmountText | None = None
    """Image tokens of the prompt; as `input` when absent."""
    image_output: AmountText | None = None
    """Image tokens of the answer; as `output` when absent."""
    image: AmountText | None = None
    """One image."""
    second: AmountText | None = None
    """One second of audio or video."""
    character: AmountText | None = None
    """Characters of text (speech)."""
    search: AmountText | None = None
    """One web search."""
    call: AmountText | None = None
    """One successful call."""


class PriceCase(UnitRates):
    """Rates that apply instead when a condition on the request holds."""

    if_: Annotated[str, Field(alias="if", min_length=1)]
    """A condition over `request` (the caller's body), `model` and `group` (the one that serves the call)."""
    per: Per | None = None
    """How many tokens or characters the amounts are for; as the price's own when absent."""


class FlatPrice(UnitRates):
    """One row of rates, and cases that replace it."""

    per: Per | None = None
    """How many tokens or characters the amounts are for: 1M, 1k or 1. Images, seconds, searches and calls are priced
    one by one."""
    when: list[PriceCase] = []
    """Tried in order; the first whose condition holds replaces the rates above."""


class PriceTier(UnitRates):
    """Rates for prompts up to a length; the last tier is open."""

    upto: Size | None = None
    """Longest whole prompt (cached parts included) this tier is for, in tokens."""
    per: Per | None = None
    """How many tokens or characters the amounts are for: 1M, 1k or 1."""


class RatioPrice(Shape):
    """Prices in the notation of one-api and new-api: 1 = 2 USD per 1M prompt tokens."""

    model: AmountText
    """The model ratio."""
    completion: AmountText | None = None
    """Output relative to input; 1 when absent."""
    cache: AmountText | None = None
    """Cache reads relative to input; 1 when absent."""
    cache_write: AmountText | None = None
    """Cache writes relative to input; 1 when absent."""
    audio: AmountText | None = None
    """Audio input relative to input; 1 when absent."""
    audio_completion: AmountText | None = None
    """Audio output relative to audio input; as text output when absent."""


def _price_form(value: Any) -> str:
    if isinstance(value, list):
        return "tiers"
    return "rates" if isinstance(value, dict) else "free"


PriceShape = Annotated[
    Annotated[Literal["free"], Tag("free")]
    | Annotated[FlatPrice, Tag("rates")]
    | Annotated[list[PriceTier], Tag("tiers"), Field(min_length=1)],
    Discriminator(_price_form),
]


class ModelShape(Shape):
    """A public model: its price, and what the model list says of it."""

    price: PriceShape | None = None
    """`free`, one row of rates, or tiers by prompt length."""
    ratio: RatioPrice | None = None
    """The price in ratio notation; instead of `price`."""
    context: Size | None = None
    """Largest prompt, in tokens: no more of a prompt is held before a call."""
    max_output: Size | None = None
    """Largest answer, in tokens: held before a call whose caller names no limit; 4,096 when absent."""
    hold: Literal["whole", "growing"] = "whole"
    """`growing`: a stream holds for 4,096 tokens, and for more while it runs; only where it shows all that it makes."""
    vendor: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    """Who made it; `owned_by` in the model list."""
    encoding: Literal["cl100k_base", "o200k_base", "p50k_base", "r50k_base"] | None = None
    """Tokenizer for counting when an upstream reports no usage; chosen by name when absent."""
    tags: list[Name] = []
    """For the model list and the price page."""
    lossy: Literal["refuse", "allow"] = "refuse"
    """Whether a request is served even where a channel's wire format cannot say all of it."""
    strategy: StrategyName | None = None
    """How channels of one priority are ordered; as the group says when absent."""


class GroupShape(Shape):
    """A named class of users: which channels it sees, and the factor on prices."""

    multiplier: AmountText | None = None
    """Factor on every price; 1 when absent."""
    description: Annotated[str, StringConstraints(max_length=500)] = ""
    """For people."""
    tries: list[str] = []
    """A group of groups: these are tried in order, each with its own channels and multiplier."""
    strategy: StrategyName | None = None
    """How channels of one priority are ordered; by weight when absent."""


class CostShape(UnitRates):
    """What we pay the vendor."""

    per: Per | None = None
    """How many tokens or characters the amounts are for: 1M, 1k or 1."""


def _entry_form(value: Any) -> str:
    return "mapping" if isinstance(value, dict) else "name"


ModelEntry = Annotated[
    Annotated[ModelName, Tag("name")] | Annotated[dict[ModelName, ModelName], Tag("mapping"), Field(min_length=1)],
    Discriminator(_entry_form),
]


class ProfileShape(Shape):
    """The shared half of channels."""

    extends: str | Annotated[list[str], Field(min_length=1)] | None = None
    """Profile to inherit from, or several, later ones over earlier: maps merge, lists replace, `~` deletes."""
    provider: str | None = None
    """A file of providers/, without `.yaml`."""
    credentials: list[Annotated[str, StringConstraints(min_length=1)]] | None = None
    """References, `${env:NAME}` or `${file:PATH}`, never the keys themselves; several are used in turn."""
    models: Annotated[list[ModelEntry], Field(min_length=1)] | None = None
    """Public names offered; a map is public name to upstream name."""
    groups: Annotated[list[str], Field(min_length=1)] | None = None
    """Groups that see this channel; [default] when absent."""
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = 0
    """Higher is tried first."""
    weight: Annotated[int, Field(ge=0, le=1_000_000)] = 1
    """Share among channels of the same priority; 0 is used only when nothing else is left."""
    tags: list[Name] = []
    """For routing rules and reports."""
    base_url: Annotated[str, StringConstraints(min_length=1)] | None = None
    """Replaces the provider's."""
    headers: dict[HeaderName, HeaderValue] = {}
    """Sent upstream; values may hold references to secrets, and those of Authorization, *-Key and *-Token must."""
    set: dict[MemberName, Any] = {}
    """Merged into the top level of the outbound body."""
    drop: list[MemberName] = []
    """Members that are taken out of the outbound body."""
    system_prompt: SystemPromptShape | None = None
    """What its models are told, whoever asks: chats only."""
    thinking_to_content: bool = False
    """Whether thoughts are shown as text, in <think> tags."""
    settings: dict[MemberName, Text] = {}
    """Values for the settings its provider declares."""
    proxy: Annotated[str, StringConstraints(min_length=1)] | None = None
    """Outbound proxy: http, https, socks5, socks5h or socks4a; may hold references to secrets."""
    transport: Literal["http1", "aiohttp"] | None = None
    """Which client carries its requests; http1 when absent, aiohttp through an HTTP proxy, where there is no other."""
    timeouts: TimeoutsShape = TimeoutsShape()
    """Deadlines."""
    retry: RetryShape = RetryShape()
    """Retries."""
    circuit: CircuitShape = CircuitShape()
    """When it is left alone."""
    limits: LimitsShape | None = None
    """How much it takes; a full channel is skipped."""
    status_map: dict[FailedStatus, Annotated[int, Field(ge=400, le=599)]] = {}
    """What a failed answer's status is read as, before anything is decided by it."""
    test: ChannelTestShape | None = None
    """How it is tried out."""
    unresolved: Literal["metered", "hold", "void"] | None = None
    """What a call costs whose process was killed: what was seen of it, all that was held, nothing; the provider's."""
    cost: CostShape | None = None
    """What we pay, for margin reports."""


class ChannelShape(ProfileShape):
    """One usable way to a provider."""

    name: Name
    """The stable identity: health, statistics and logs hang on it."""


class InvitationsShape(Shape):
    """What an accepted invitation is worth, in the ledger's currency."""

    inviter: Money | None = None
    """For whoever invited; nothing when absent. It waits until it is transferred to the balance."""
    invitee: Money | None = None
    """For whoever was invited, on the balance at once; nothing when absent."""


class EPayShape(Shape):
    """A merchant's account at an EPay site."""

    url: Annotated[str, StringConstraints(min_length=1)]
    """The site, without `/submit.php`."""
    merchant: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    """The merchant's number, `pid`; quote it."""
    key: Annotated[str, StringConstraints(min_length=1)]
    """A reference to the merchant's key: `${env:NAME}` or `${file:PATH}`."""
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "CNY"
    """What the site takes."""
    rate: AmountText
    """The price of one unit of the ledger's currency."""
    methods: Annotated[list[Name], Field(min_length=1)]
    """What payers may choose from: alipay, wxpay and what else the site knows."""


class StripeShape(Shape):
    """An account at Stripe, whose Checkout page is used."""

    secret_key: Annotated[str, StringConstraints(min_length=1)]
    """A reference to the secret key."""
    webhook_secret: Annotated[str, StringConstraints(min_length=1)]
    """A reference to the signing secret of the webhook at `/api/stripe/webhook`."""
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None
    """What payers pay in; the ledger's when absent."""
    rate: AmountText | None = None
    """The price of one unit of the ledger's currency; 1 when absent."""
    url: Annotated[str, StringConstraints(min_length=1)] | None = None
    """Another address of Stripe's API, for tests."""


class PaymentsShape(Shape):
    """How balances are topped up."""

    amounts: list[Money] = []
    """What a console offers."""
    minimum: Money | None = None
    """Least amount of an order; 1 when absent."""
    maximum: Money | None = None
    """Largest amount of an order; 10000 when absent."""
    group_discounts: dict[Name, AmountText] = {}
    """Factors on the price, by the payer's group: "0.9" is a tenth off."""
    return_url: Annotated[str, StringConstraints(min_length=1)]
    """Where a payer's browser goes afterwards."""
    callback_url: Annotated[str, StringConstraints(min_length=1)] | None = None
    """This gateway as the payment site reaches it; `epay` needs it."""
    epay: EPayShape | None = None
    """Alipay, WeChat Pay and others, through an EPay site."""
    stripe: StripeShape | None = None
    """Cards and others, through Stripe."""


class RolloutShape(Shape):
    """How a changed tree takes the place of the one that is served: a part of the callers first."""

    share: Share | None = None
    """Of the callers, by their keys, such as 10%."""
    group: Name | None = None
    """A group whose callers get it, besides the share."""
    for_: Annotated[Seconds, Field(alias="for")] = 600.0
    """How long; 10m when absent. Then it is served to all."""
    max_errors: Share = 0.02
    """By how much its share of failed calls may exceed that of the tree before; 2% when absent."""
    minimum: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    """Calls before its failures mean anything; 100 when absent."""


class GatewayShape(Shape):
    """The root document of a Clinx configuration tree."""

    version: Literal[1] = 1
    """Version of this format."""
    include: list[str] = []
    """More files of this shape (groups, models, profiles, channels): relative globs, inside the tree."""
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "USD"
    """The one currency of the ledger and of every amount here."""
    groups: dict[Name, GroupShape] = {}
    """Classes of users. `default` exists even when it is not listed."""
    models: dict[ModelName, ModelShape] = {}
    """What callers may ask for, and what it costs. Exact names win over patterns, longer patterns over shorter ones."""
    profiles: dict[Name, ProfileShape] = {}
    """Shared halves of channels."""
    channels: list[ChannelShape] = []
    """Usable ways to providers."""
    server: ServerShape = ServerShape()
    """How the edge behaves."""
    invitations: InvitationsShape = InvitationsShape()
    """Rewards for invitations."""
    payments: PaymentsShape | None = None
    """How balances are topped up; nothing is sold when absent."""
    console: ConsoleShape | None = None
    """Who may sign in and how, whom the gateway writes to, and how long it remembers."""
    rollout: RolloutShape | None = None
    """How a changed tree takes the place of the one that is served; at once when absent."""


ROOT_ONLY = frozenset({"include", "currency", "server", "invitations", "payments", "console", "rollout"})
"""Keys of gateway.yaml that an included file may not have."""

LATER = {
    "channel": frozenset({"policies"}),
    "gateway": frozenset({"policies"}),
    "provider": frozenset({"usage", "signer", "framing", "errors", "status_map"}),
}
"""Keys of later releases, by kind of document: named so that they are refused with the right words."""
