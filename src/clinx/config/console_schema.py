"""The shape of ``console`` in gateway.yaml: who may sign in and how, whom the gateway writes to, how long it remembers.

Everything may be absent: what is then so stands in `clinx.domain.console`. Addresses are checked in `console`, because
what a shape refuses may be quoted.
"""

# ruff: noqa: RUF012  (pydantic copies the default of a field for every instance)
from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from clinx.config.quantities import Instant, Money, Retention, Term
from clinx.config.strict import ISSUER, LINE, NAME, Shape

Address = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
"""The address of a page, a server or a person."""
Reference = Annotated[str, StringConstraints(min_length=1)]
"""A reference to a secret."""
Line = Annotated[str, StringConstraints(pattern=LINE)]
"""One line of text for people."""
ClientId = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,200}$")]
IssuerName = Annotated[str, StringConstraints(pattern=ISSUER)]
Scope = Annotated[str, StringConstraints(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,100}$")]


class RegistrationShape(Shape):
    """Who may make an account."""

    open: bool | None = None
    """Whether strangers may, in any of the ways of signing in; false when absent."""
    email: Literal["required", "optional", "none"] | None = None
    """Whether an account needs an e-mail address, a verified one; `optional` when absent."""
    domains: list[Address] = []
    """Domains that addresses must be of; any when absent."""
    group: str | None = None
    """What new accounts belong to; `default` when absent."""


class OAuthAppShape(Shape):
    """An application registered at GitHub or LinuxDO."""

    client_id: ClientId
    """What the site calls the application."""
    client_secret: Reference
    """A reference to its secret: `${env:NAME}` or `${file:PATH}`."""


class TelegramShape(Shape):
    """The bot that the login widget belongs to."""

    bot: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{3,64}$")]
    """Its user name, without the @."""
    token: Reference
    """A reference to its token."""


class WeChatShape(Shape):
    """A verification server: it tells who sent a code to an official account."""

    url: Address
    """Its address."""
    token: Reference
    """A reference to what it is asked with."""
    qrcode: Address | None = None
    """Address of the picture that people scan."""


class OidcShape(Shape):
    """An OpenID Connect issuer, found by discovery."""

    label: Line | None = None
    """What the button says; the name when absent."""
    issuer: Address
    """Its address, exactly as it is in its own tokens."""
    client_id: ClientId
    """What the issuer calls this gateway."""
    client_secret: Reference
    """A reference to the secret."""
    scopes: list[Scope] | None = None
    """What is asked for; [openid, profile, email] when absent."""


class SignInShape(Shape):
    """Ways of signing in that are offered."""

    password: bool | None = None
    """A name and a password; true when absent."""
    passkeys: bool | None = None
    """What a device or a security key holds; false when absent."""
    session: Term | None = None
    """How long a session lasts; 30d when absent."""
    step_up: Term | None = None
    """How long a fresh proof of who one is counts for what is dangerous; 10m when absent."""
    github: OAuthAppShape | None = None
    """An application at GitHub."""
    linuxdo: OAuthAppShape | None = None
    """An application at LinuxDO."""
    telegram: TelegramShape | None = None
    """A bot at Telegram."""
    wechat: WeChatShape | None = None
    """An official account at WeChat, through a verification server."""
    oidc: dict[IssuerName, OidcShape] | None = None
    """OpenID Connect issuers by a name of yours, which callbacks have in their addresses."""


class MailShape(Shape):
    """The server that e-mails are handed to."""

    host: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,253}$")]
    """Its name or address."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """465 with `tls`, 587 with `starttls` and 25 with `none` when absent."""
    security: Literal["tls", "starttls", "none"] | None = None
    """`tls` from the first byte, `starttls` after a greeting; `none` on this machine only. When absent, `tls` on
    port 465 and `starttls` on others."""
    user: Annotated[str, StringConstraints(min_length=1, max_length=320)] | None = None
    """Whom the server knows the gateway as."""
    password: Reference | None = None
    """A reference to the password of `user`."""
    from_: Annotated[str, StringConstraints(min_length=1, max_length=320), Field(alias="from")]
    """Whom e-mails are from: `Name <address>`, or an address."""


class WebhookShape(Shape):
    """Where notices are posted, signed."""

    url: Address
    """The address."""
    secret: Reference
    """A reference to what they are signed with."""


class NotificationsShape(Shape):
    """Whom the gateway writes to by itself."""

    operators: list[Address] = []
    """E-mail addresses that hear of opened channels and of trees that did not load."""
    webhook: WebhookShape | None = None
    """The same, for programs."""
    every: Term | None = None
    """Least time between two notices of one kind about one thing to one receiver; 1h when absent."""


class KeepShape(Shape):
    """How long history is kept."""

    request_logs: Retention | None = None
    """What calls did and cost; 90d when absent."""
    minutes: Term | None = None
    """Usage by the minute; 2d when absent."""
    hours: Term | None = None
    """Usage by the hour; 90d when absent. By the day it is kept forever."""
    audit: Retention | None = None
    """Who changed what in the console; forever when absent."""


class SecondPersonShape(Shape):
    """What operators may give only together."""

    above: Money
    """An amount in the ledger's currency: more than this within a day, by one person, waits for another one."""
    within: Term | None = None
    """How long it waits; 3d when absent."""


class ChatLinkShape(Shape):
    """A chat client that a person is sent to with a key of theirs."""

    name: Line
    """What people call it."""
    url: Address
    """Where it is, with `{address}` and `{key}` where this gateway's address and the key belong."""


class AnnouncementShape(Shape):
    """What operators tell the people who use the console."""

    id: Annotated[str, StringConstraints(pattern=NAME)]
    """A name by which a reader's console remembers it."""
    at: Instant
    """When it is from: 2026-01-31T09:00:00Z. The newest is shown first."""
    title: Line
    """One line."""
    text: Annotated[str, StringConstraints(max_length=10_000)] = ""
    """The rest."""


class ConsoleShape(Shape):
    """The console: who may sign in and how, whom the gateway writes to, and how long it remembers."""

    name: Line | None = None
    """What the service is called in e-mails and on pages; Clinx when absent."""
    language: Literal["en", "zh"] | None = None
    """For those who have not chosen; `en` when absent."""
    url: Address | None = None
    """The frontend as browsers reach it: links in e-mails lead there."""
    address: Address | None = None
    """This gateway as browsers and clients reach it: callbacks lead here."""
    origins: list[Address] = []
    """Other origins whose pages may use the console's API with a session, besides those of `url` and `address`."""
    public_prices: bool | None = None
    """Whether prices are shown to people who have not signed in; false when absent."""
    registration: RegistrationShape | None = None
    """Who may make an account; nobody when absent."""
    sign_in: SignInShape | None = None
    """Ways of signing in."""
    mail: MailShape | None = None
    """The server that e-mails are handed to; none are sent when absent."""
    notifications: NotificationsShape | None = None
    """Whom the gateway writes to by itself."""
    keep: KeepShape | None = None
    """How long history is kept."""
    reserved_names: list[Line] | None = None
    """What strangers may not call themselves, in any case and width and with any signs between; root, admin, support,
    system and the like when absent."""
    second_person: SecondPersonShape | None = None
    """What operators may give only together; each may give whatever they like when absent."""
    chat_links: list[ChatLinkShape] = []
    """Chat clients that people may be sent to with a key of theirs."""
    announcements: list[AnnouncementShape] = []
    """What operators tell the people who use the console."""
