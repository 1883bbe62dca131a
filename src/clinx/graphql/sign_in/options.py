"""What a page needs before anybody has signed in: which ways in there are."""

from __future__ import annotations

from typing import Self

import strawberry

from clinx.accounts.oauth import providers, wechat
from clinx.accounts.oauth.flow import CALLBACK
from clinx.domain.console import Console, EmailRule, Language
from clinx.graphql.context import Info
from clinx.graphql.permissions import ANYONE, over

strawberry.enum(EmailRule, name="EmailRule", description="Whether an account needs an e-mail address.")


@strawberry.type(description="A way to sign in by somebody else's word.")
class SignInProvider:
    """A provider."""

    name: str
    label: str = strawberry.field(description="What a button says.")
    path: str = strawberry.field(description="Where a browser goes to begin, at this gateway: add `?return=/path`.")


@strawberry.type(description="Who may make an account.")
class RegistrationOptions:
    """Registration."""

    open: bool
    by_password: bool = strawberry.field(description="Whether `register` takes strangers.")
    email: EmailRule
    domains: list[str] = strawberry.field(description="Domains that addresses must be of; empty is any.")


@strawberry.type(description="Which ways in there are.")
class SignInOptions:
    """Ways in."""

    name: str = strawberry.field(description="What the service is called.")
    language: Language = strawberry.field(description="For those who have not chosen.")
    currency: str = strawberry.field(
        description="Of every amount of the ledger, balances and prices among them, as ISO 4217 has it."
    )
    password: bool
    passkeys: bool
    email: bool = strawberry.field(description="Whether e-mails are written: for forgotten passwords, say.")
    providers: list[SignInProvider]
    telegram_bot: str | None
    wechat_qrcode: str | None = strawberry.field(description="Address of the picture that people scan.")
    registration: RegistrationOptions

    @classmethod
    def of(cls, console: Console, currency: str) -> Self:
        """Return what a tree offers."""
        offered, registration = console.sign_in, console.registration
        reachable = bool(console.url or console.address)
        return cls(
            name=console.name,
            language=console.language,
            currency=currency,
            password=offered.password,
            passkeys=offered.passkeys and reachable,
            email=console.mail is not None and reachable,
            providers=[
                SignInProvider(name=each.name, label=each.label, path=_path(each.name))
                for each in providers.offers(console)
            ],
            telegram_bot=None if offered.telegram is None else offered.telegram.name,
            wechat_qrcode=(None if offered.wechat is None else offered.wechat.qrcode) or None,
            registration=RegistrationOptions(
                open=registration.open,
                by_password=registration.open and offered.password,
                email=registration.email,
                domains=list(registration.domains),
            ),
        )


def _path(provider: str) -> str:
    """Return where a browser begins; WeChat's server is asked with a code that a person types."""
    return f"{CALLBACK}{provider}" if provider == wechat.PROVIDER else f"{CALLBACK}{provider}/start"


@strawberry.type
class OptionsQuery:
    """Ways in."""

    @strawberry.field(description="Which ways in there are.")
    def sign_in_options(self, info: Info) -> SignInOptions:
        """Return them."""
        snapshot = info.context.snapshot
        return SignInOptions.of(snapshot.console, snapshot.currency)


ACCESS = {
    **over("Query", ANYONE, "signInOptions"),
    **over("SignInProvider", ANYONE, "name", "label", "path"),
    **over("RegistrationOptions", ANYONE, "open", "byPassword", "email", "domains"),
    **over(
        "SignInOptions",
        ANYONE,
        *("name", "language", "currency", "password", "passkeys", "email", "providers", "telegramBot", "wechatQrcode"),
        "registration",
    ),
}
