"""What the tree says of the console: who may sign in and how, whom it writes to, and how long it remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from clinx.domain.money import Amount
from clinx.domain.names import RESERVED_NAMES


class Language(StrEnum):
    """A language that the server can write in."""

    ENGLISH = "en"
    CHINESE = "zh"


class EmailRule(StrEnum):
    """Whether an account needs an e-mail address."""

    REQUIRED = "required"
    """A verified one, before the account may do anything."""
    OPTIONAL = "optional"
    NONE = "none"
    """The console asks for none."""


class Security(StrEnum):
    """How a connection to a mail server is protected."""

    TLS = "tls"
    """From the first byte."""
    STARTTLS = "starttls"
    """After a greeting; a server that does not offer it is not used."""
    NONE = "none"
    """Not at all: for a server on the same machine."""


@dataclass(frozen=True, slots=True)
class Registration:
    """Who may make an account."""

    open: bool = False
    """Whether strangers may, in any way (a password, or one of the issuers)."""
    email: EmailRule = EmailRule.OPTIONAL
    domains: tuple[str, ...] = ()
    """Domains that addresses must be of, in lower case; empty is any."""
    group: str = "default"
    """What new accounts belong to."""


@dataclass(frozen=True, slots=True)
class OAuthApp:
    """An application registered at GitHub or LinuxDO."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OidcIssuer:
    """An OpenID Connect issuer, found by discovery."""

    name: str
    """In identities and in addresses: ``/api/oauth/NAME``."""
    label: str
    """What a button says."""
    issuer: str
    """Its address, exactly as it is in its own tokens."""
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...] = ("openid", "profile", "email")


@dataclass(frozen=True, slots=True)
class TelegramBot:
    """The bot that a login widget belongs to."""

    name: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class WeChatServer:
    """A verification server: it tells who sent a code to an official account."""

    url: str
    token: str = field(repr=False)
    qrcode: str = ""
    """Address of the picture that people scan."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """Ways of signing in that are offered."""

    password: bool = True
    passkeys: bool = False
    session: timedelta = timedelta(days=30)
    """How long a session lasts."""
    step_up: timedelta = timedelta(minutes=10)
    """How long a fresh proof of who one is counts for dangerous verbs."""
    github: OAuthApp | None = None
    linuxdo: OAuthApp | None = None
    telegram: TelegramBot | None = None
    wechat: WeChatServer | None = None
    oidc: Mapping[str, OidcIssuer] = field(default_factory=dict[str, OidcIssuer])
    """By name."""


@dataclass(frozen=True, slots=True)
class Mail:
    """The server that e-mails are handed to."""

    host: str
    port: int
    sender: str
    """``Name <address>`` or an address."""
    security: Security = Security.STARTTLS
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where notices are posted, signed."""

    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Notifications:
    """Whom the gateway writes to by itself."""

    operators: tuple[str, ...] = ()
    """E-mail addresses that hear of opened channels and of trees that did not load."""
    webhook: Webhook | None = None
    """The same, for programs."""
    every: timedelta = timedelta(hours=1)
    """Least time between two notices of one kind about one thing to one receiver."""


@dataclass(frozen=True, slots=True)
class Keep:
    """How long history is kept. None is for ever."""

    request_logs: timedelta | None = timedelta(days=90)
    minutes: timedelta = timedelta(days=2)
    """Usage by the minute."""
    hours: timedelta = timedelta(days=90)
    """Usage by the hour; by the day it is kept for ever."""
    audit: timedelta | None = None
    """Who changed what in the console."""


@dataclass(frozen=True, slots=True)
class SecondPerson:
    """What operators may give only together."""

    above: Amount
    """More than this within a day, by one person, waits for another one."""
    within: timedelta = timedelta(days=3)
    """How long it waits."""


@dataclass(frozen=True, slots=True)
class ChatLink:
    """A chat client that a person is sent to with a key of theirs."""

    name: str
    url: str
    """With ``{address}`` and ``{key}`` where this gateway's address and the key belong."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What operators tell the people who use the console."""

    id: str
    at: datetime
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Console:
    """The console section of a tree."""

    name: str = "Clinx"
    """What the service is called in e-mails and on pages."""
    language: Language = Language.ENGLISH
    """For those who have not chosen."""
    url: str | None = None
    """The frontend as browsers reach it, without a trailing slash: links in e-mails lead there."""
    address: str | None = None
    """This gateway as browsers and clients reach it, without a trailing slash: callbacks lead here."""
    origins: tuple[str, ...] = ()
    """Origins whose pages may use the console's API with a session, besides those of `url` and `address`."""
    public_prices: bool = False
    """Whether prices are shown to people who have not signed in."""
    registration: Registration = Registration()
    sign_in: SignIn = SignIn()
    mail: Mail | None = None
    notifications: Notifications = Notifications()
    keep: Keep = Keep()
    reserved_names: frozenset[str] = RESERVED_NAMES
    """What strangers may not call themselves, as `skeleton` writes it."""
    second_person: SecondPerson | None = None
    """None: one person gives whatever they like."""
    chat_links: tuple[ChatLink, ...] = ()
    announcements: tuple[Announcement, ...] = ()
    """The newest first."""


NO_CONSOLE: Final = Console()
"""What a tree without that section says."""
