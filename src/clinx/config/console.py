"""The console section to `clinx.domain.console.Console`, with its secrets resolved."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from clinx.config.channels import refuse_references
from clinx.config.console_addresses import (
    chat_link_problem,
    email_problem,
    is_domain,
    is_loopback,
    origin,
    origin_problem,
    page_problem,
    picture_problem,
    sender_problem,
)
from clinx.config.console_schema import (
    ConsoleShape,
    KeepShape,
    MailShape,
    NotificationsShape,
    OAuthAppShape,
    OidcShape,
    RegistrationShape,
    SecondPersonShape,
    SignInShape,
    TelegramShape,
    WeChatShape,
)
from clinx.config.diagnostics import Diagnostic, did_you_mean
from clinx.config.nodes import Node
from clinx.config.quantities import FOREVER
from clinx.config.secrets import PLACEHOLDER, SecretError, SecretResolver, is_literal, reference_hint
from clinx.domain.console import (
    Announcement,
    ChatLink,
    Console,
    EmailRule,
    Keep,
    Language,
    Mail,
    Notifications,
    OAuthApp,
    OidcIssuer,
    Registration,
    SecondPerson,
    Security,
    SignIn,
    TelegramBot,
    Webhook,
    WeChatServer,
)
from clinx.domain.names import RESERVED_NAMES, skeletons

WAYS: Final = frozenset({"github", "linuxdo", "telegram", "wechat", "password", "passkey"})
"""Ways of signing in that have names of their own: no issuer may be called so."""

_SECRETS: Final = frozenset({"client_secret", "password", "secret", "token"})
_CALLED_BACK: Final = ("github", "linuxdo", "oidc")
_PORTS: Final = {Security.TLS: 465, Security.STARTTLS: 587, Security.NONE: 25}
_OPENID: Final = "openid"

Path = tuple[str | int, ...]


@dataclass(slots=True)
class ConsoleCompiler:
    """Compiles the section against the rest of the same tree. What is wrong is in ``found``, not in the result."""

    node: Node
    groups: Collection[str]
    """The names of all groups."""
    secrets: SecretResolver
    found: list[Diagnostic]

    def compile(self, shape: ConsoleShape) -> Console:
        """Return the console; with an error in ``found`` it is not one to be served."""
        self._check_needs(shape)
        console = Console(
            **_said(shape, "name", "public_prices"),
            language=Language.ENGLISH if shape.language is None else Language(shape.language),
            url=self._page(shape.url, ("url",)),
            address=self._page(shape.address, ("address",)),
            origins=tuple(dict.fromkeys(self._origins(shape))),
            registration=self._registration(shape.registration or RegistrationShape()),
            sign_in=self._sign_in(shape.sign_in or SignInShape()),
            mail=None if shape.mail is None else self._mail(shape.mail),
            notifications=self._notifications(shape.notifications or NotificationsShape()),
            keep=_keep(shape.keep or KeepShape()),
            reserved_names=RESERVED_NAMES if shape.reserved_names is None else skeletons(shape.reserved_names),
            second_person=None if shape.second_person is None else _second_person(shape.second_person),
            chat_links=tuple(self._chat_links(shape)),
            announcements=self._announcements(shape),
        )
        self._refuse_strays(self.node)
        return console

    def _report(self, path: Path, code: str, message: str, hint: str | None = None) -> None:
        self.found.append(self.node.at(path).finding(code, message, hint))

    def _need(self, path: Path, key: str, hint: str) -> None:
        self._report(path, "E302", f'missing key "{key}" of console', hint)

    def _check(self, text: str, path: Path, problem: Callable[[str], str | None]) -> str:
        """Report what is wrong with a text; it is not quoted, because a secret may be part of it."""
        if (said := problem(text)) is not None:
            name = next(part for part in reversed(path) if isinstance(part, str))
            self._report(path, "E303", f'"{name}" {said}')
        return text

    def _page(self, text: str | None, path: Path) -> str | None:
        return None if text is None else self._check(text, path, page_problem).rstrip("/")

    def _check_needs(self, shape: ConsoleShape) -> None:
        """Report keys without which others mean nothing."""
        ways = shape.sign_in or SignInShape()
        if shape.address is None:
            for way in _CALLED_BACK:
                if getattr(ways, way):
                    self._need(("sign_in", way), "address", "this gateway as browsers reach it: callbacks lead there")
        if ways.passkeys and shape.address is None and shape.url is None:
            self._need(("sign_in", "passkeys"), "url", "passkeys belong to the site that people see")
        if shape.mail is None:
            hint = "the server that e-mails are handed to"
            if shape.registration is not None and shape.registration.email == EmailRule.REQUIRED:
                self._need(("registration", "email"), "mail", hint)
            if shape.notifications is not None and shape.notifications.operators:
                self._need(("notifications", "operators"), "mail", hint)

    def _origins(self, shape: ConsoleShape) -> Iterator[str]:
        for index, text in enumerate(shape.origins):
            before = len(self.found)
            self._check(text, ("origins", index), origin_problem)
            if len(self.found) == before:
                yield origin(text)

    def _registration(self, shape: RegistrationShape) -> Registration:
        for index, domain in enumerate(shape.domains):
            if not is_domain(domain):
                self._report(("registration", "domains", index), "E303", '"domains": not the name of a domain')
        if shape.domains and shape.email == EmailRule.NONE:
            message = '"domains" mean nothing where no address is asked for'
            self._report(("registration", "domains"), "E303", message, "email: required, or optional")
        if shape.group is not None and shape.group not in self.groups:
            hint = did_you_mean(shape.group, self.groups)
            self._report(("registration", "group"), "E202", f'unknown group "{shape.group}"', hint)
        return Registration(
            **_said(shape, "open", "group"),
            email=EmailRule.OPTIONAL if shape.email is None else EmailRule(shape.email),
            domains=tuple(dict.fromkeys(domain.lower() for domain in shape.domains)),
        )

    def _sign_in(self, shape: SignInShape) -> SignIn:
        issuers = shape.oidc or {}
        return SignIn(
            **_said(shape, "password", "passkeys", "session", "step_up"),
            github=self._app(shape.github, "github"),
            linuxdo=self._app(shape.linuxdo, "linuxdo"),
            telegram=None if shape.telegram is None else self._telegram(shape.telegram),
            wechat=None if shape.wechat is None else self._wechat(shape.wechat),
            oidc={name: self._issuer(name, issuer) for name, issuer in issuers.items()},
        )

    def _app(self, shape: OAuthAppShape | None, name: str) -> OAuthApp | None:
        if shape is None:
            return None
        return OAuthApp(shape.client_id, self._secret(shape.client_secret, "sign_in", name, "client_secret"))

    def _telegram(self, shape: TelegramShape) -> TelegramBot:
        return TelegramBot(shape.bot, self._secret(shape.token, "sign_in", "telegram", "token"))

    def _wechat(self, shape: WeChatShape) -> WeChatServer:
        path = ("sign_in", "wechat")
        return WeChatServer(
            url=self._check(shape.url, (*path, "url"), page_problem).rstrip("/"),
            token=self._secret(shape.token, *path, "token"),
            qrcode="" if shape.qrcode is None else self._check(shape.qrcode, (*path, "qrcode"), picture_problem),
        )

    def _issuer(self, name: str, shape: OidcShape) -> OidcIssuer:
        path = ("sign_in", "oidc", name)
        if name in WAYS:
            message = f'"{name}" is another way of signing in'
            self.found.append(self.node.key_at(path).finding("E206", message, "give the issuer another name"))
        if shape.scopes is not None and _OPENID not in shape.scopes:
            message = f'"scopes": without {_OPENID} an issuer does not say who somebody is'
            self._report((*path, "scopes"), "E303", message)
        scopes = {} if shape.scopes is None else {"scopes": tuple(dict.fromkeys(shape.scopes))}
        return OidcIssuer(
            name=name,
            label=name if shape.label is None else shape.label,
            # Not a character less: it is compared with what the issuer says of itself.
            issuer=self._check(shape.issuer, (*path, "issuer"), page_problem),
            client_id=shape.client_id,
            client_secret=self._secret(shape.client_secret, *path, "client_secret"),
            **scopes,
        )

    def _mail(self, shape: MailShape) -> Mail:
        implied = Security.TLS if shape.port == _PORTS[Security.TLS] else Security.STARTTLS
        security = implied if shape.security is None else Security(shape.security)
        if security is Security.NONE and not is_loopback(shape.host):
            message = '"security": passwords and links would be sent in the clear'
            self._report(("mail", "security"), "E303", message, "none is for a server on this machine")
        if (shape.user is None) != (shape.password is None):
            key, hint = ("user", "whose password it is") if shape.user is None else ("password", "of the user")
            self._report(("mail",), "E302", f'missing key "{key}" of mail', hint)
        return Mail(
            host=shape.host,
            port=_PORTS[security] if shape.port is None else shape.port,
            sender=self._check(shape.from_, ("mail", "from"), sender_problem),
            security=security,
            user=shape.user,
            password=None if shape.password is None else self._secret(shape.password, "mail", "password"),
        )

    def _notifications(self, shape: NotificationsShape) -> Notifications:
        for index, address in enumerate(shape.operators):
            self._check(address, ("notifications", "operators", index), email_problem)
        return Notifications(
            **_said(shape, "every"),
            operators=tuple(dict.fromkeys(shape.operators)),
            webhook=self._webhook(shape),
        )

    def _webhook(self, shape: NotificationsShape) -> Webhook | None:
        if shape.webhook is None:
            return None
        path = ("notifications", "webhook")
        url = self._check(shape.webhook.url, (*path, "url"), page_problem)
        return Webhook(url, self._secret(shape.webhook.secret, *path, "secret"))

    def _chat_links(self, shape: ConsoleShape) -> Iterator[ChatLink]:
        names: set[str] = set()
        for index, link in enumerate(shape.chat_links):
            if link.name in names:
                self._report(("chat_links", index, "name"), "E206", f'there is another chat link "{link.name}"')
            names.add(link.name)
            yield ChatLink(link.name, self._check(link.url, ("chat_links", index, "url"), chat_link_problem))

    def _announcements(self, shape: ConsoleShape) -> tuple[Announcement, ...]:
        ids: set[str] = set()
        for index, each in enumerate(shape.announcements):
            if each.id in ids:
                self._report(("announcements", index, "id"), "E206", f'there is another announcement "{each.id}"')
            ids.add(each.id)
        told = (Announcement(each.id, each.at, each.title, each.text) for each in shape.announcements)
        return tuple(sorted(told, key=lambda each: each.at, reverse=True))

    def _secret(self, text: str, *path: str) -> str:
        if is_literal(text):
            self._report(path, "E401", f'"{path[-1]}" must be a reference to a key', reference_hint(text))
            return ""
        try:
            return self.secrets.resolve(text)
        except SecretError as error:
            offline = error.code == "E403" and self.secrets.placeholders
            self._report(path, "W403" if offline else error.code, str(error), error.hint)
            return PLACEHOLDER

    def _refuse_strays(self, node: Node) -> None:
        """Report references where nothing resolves them."""
        for key, child in node.map.items():
            if child.map:
                self._refuse_strays(child)
            elif key not in _SECRETS:
                refuse_references(child, self.found)


def _said(shape: BaseModel, *names: str) -> dict[str, Any]:
    """Return what a shape says of these; what it does not say has a default in the domain."""
    return {name: value for name in names if (value := getattr(shape, name)) is not None}


def _second_person(shape: SecondPersonShape) -> SecondPerson:
    return SecondPerson(**_said(shape, *SecondPersonShape.model_fields))


def _keep(shape: KeepShape) -> Keep:
    given = _said(shape, *KeepShape.model_fields)
    endless: dict[str, Any] = {name: None for name, value in given.items() if value == FOREVER}
    return Keep(**(given | endless))
