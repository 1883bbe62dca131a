"""The shape of one providers/*.yaml file."""

# ruff: noqa: RUF012  (pydantic copies the default of a field for every instance)
from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from clinx.config.quantities import Text
from clinx.config.schema import HeaderName, HeaderValue, MemberName, Name, Shape

SettingName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,63}$")]
"""A setting's name; `{{ settings.name }}` in templates."""
PathTemplate = Annotated[str, StringConstraints(pattern=r"^/[^\s?#]*( ?[^\s?#]+)*$", max_length=500)]
"""The path of an address, with holes."""
Place = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""Where something stands in an answer: `balance_infos[0].total_balance`."""
Per = Annotated[int, Field(ge=1, le=10**9)]


class AuthShape(Shape):
    """How the credential is presented. Values are templates with the holes `key`, `model` and `settings.<name>`."""

    headers: dict[HeaderName, HeaderValue] = {}
    """Headers, such as `Authorization: "Bearer {{ key }}"`."""
    query: dict[MemberName, str] = {}
    """Query parameters."""


class StreamingShape(Shape):
    """Where streamed answers are asked for."""

    path: PathTemplate
    """Appended to the base URL: a template with the same holes."""
    query: dict[MemberName, str] = {}
    """Query parameters: templates with the same holes."""


class EndpointShape(Shape):
    """Where one operation is taken."""

    dialect: str | None = None
    """Wire format; the label's usual one when absent."""
    path: PathTemplate
    """Appended to the base URL: a template with the holes `model`, `deployment` and `settings.<name>`."""
    query: dict[MemberName, str] = {}
    """Query parameters: templates with the same holes."""
    streaming: StreamingShape | None = None
    """Where streamed answers are asked for, if that is another address."""


class EndpointsShape(Shape):
    """What the provider takes, by label."""

    chat: EndpointShape | None = None
    """Chat completions (openai_chat)."""
    completions: EndpointShape | None = None
    """Text completions (openai_chat)."""
    responses: EndpointShape | None = None
    """Responses (openai_responses)."""
    embeddings: EndpointShape | None = None
    """Embeddings (openai_embeddings)."""
    messages: EndpointShape | None = None
    """Messages (anthropic)."""
    count_tokens: EndpointShape | None = None
    """Counting a prompt's tokens (anthropic); without it they are counted here."""
    generate_content: EndpointShape | None = None
    """Content (gemini)."""
    embed_content: EndpointShape | None = None
    """One embedding (gemini)."""
    batch_embed_contents: EndpointShape | None = None
    """Many embeddings (gemini)."""


class ParamShape(Shape):
    """A quirk: a change to the top level of the outbound body."""

    rename: dict[MemberName, MemberName] = {}
    """Old name to new name; the old one is dropped when the new one is already there."""
    drop: list[MemberName] = []
    """Members this provider does not take."""
    default: dict[MemberName, Any] = {}
    """Members added when the caller did not send them."""
    set: dict[MemberName, Any] = {}
    """Members that always have this value."""
    when: Annotated[str, Field(min_length=1)] | None = None
    """A condition over `model`, `operation` and `stream`; always when absent."""


class StreamShape(Shape):
    """What this provider's streams are like."""

    usage: Literal["on_request", "automatic", "never"] = "on_request"
    """Whether usage comes at the end: when `stream_options` asks, always, or never (then we count)."""
    end: Literal["done", "finish"] = "done"
    """What marks a good end: `data: [DONE]`, or a finish reason followed by the end of the body."""


class UsedShape(Shape):
    """What was used of a balance, at vendors that do not say what is left."""

    value: Place
    """Where the amount stands in the answer."""
    per: Per = 1
    """How many of it make one of the currency: 100 where it is cents."""
    path: PathTemplate | None = None
    """Where it is asked for, if another answer than the balance's holds it: a template."""
    query: dict[MemberName, str] = {}
    """Query parameters of that address: templates."""


class BalanceShape(Shape):
    """How the vendor is asked what is left on the account of a credential."""

    method: Literal["GET", "POST"] = "GET"
    """How it is asked; a POST sends an empty object."""
    path: PathTemplate
    """Appended to the base URL: a template with the holes `settings.<name>`."""
    query: dict[MemberName, str] = {}
    """Query parameters: templates with the same holes."""
    headers: dict[HeaderName, HeaderValue] = {}
    """Beside those of `auth`: templates with the holes `key` and `settings.<name>`."""
    value: Place
    """Where the amount stands in the answer: `balance_infos[0].total_balance`."""
    per: Per = 1
    """How many of it make one of the currency: 100 where it is cents."""
    minus: UsedShape | None = None
    """What is taken off the amount."""
    currency: Place
    """Its code (`CNY`), or where that stands in the answer (`balance_infos[0].currency`)."""


class SettingShape(Shape):
    """A value each channel may give."""

    default: Text | None = None
    """Without a default every channel must give one."""
    description: str = ""
    """For people."""


class ProviderShape(Shape):
    """One vendor or self-hosted service. Generic and shareable: no secrets, no channels."""

    provider: Name
    """The name; the file is called the same."""
    description: str = ""
    """For people."""
    extends: str | None = None
    """Provider to inherit from: maps merge, lists replace, `~` deletes."""
    base_url: str | None = None
    """Scheme and host, and a path if the vendor has one. Without it each channel must give one."""
    auth: AuthShape = AuthShape()
    """How the credential is presented."""
    needs_key: bool = True
    """Whether a channel must have credentials."""
    endpoints: EndpointsShape = EndpointsShape()
    """What it takes, and where."""
    params: list[ParamShape] = []
    """Quirks, applied in order."""
    stream: StreamShape = StreamShape()
    """What its streams are like."""
    inline_thinking: bool = False
    """Whether its models write their thoughts into the text, between `<think>` and `</think>`: they are told apart."""
    thinking_begun: bool = False
    """Whether these texts begin inside a thought, for the first tag stands in the prompt (`inline_thinking`)."""
    reasoning_history: Literal["reasoning_content", "reasoning"] | None = None
    """The member of earlier messages in which it wants thoughts back (`openai_chat`, translated requests)."""
    unresolved: Literal["metered", "hold", "void"] = "metered"
    """What a call costs whose process was killed, unless the channel says: `hold` if the vendor bills it all."""
    balance: BalanceShape | None = None
    """How it is asked what is left on an account; absent where it does not say."""
    settings: dict[SettingName, SettingShape] = {}
    """Values each channel may give."""
    imports: dict[Name, list[int]] = {}
    """Channel types of other systems that mean this provider."""
