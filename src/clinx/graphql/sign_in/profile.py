"""What somebody says of themselves, how they are told things, and which other services sign them in."""

from __future__ import annotations

from dataclasses import replace

import strawberry
from strawberry import UNSET

from clinx.accounts import identities, notification_settings, users
from clinx.accounts.failures import NotFound, WebhookInvalid
from clinx.accounts.users import UserChanges
from clinx.domain.console import Language, Webhook
from clinx.domain.identity import NotificationSettings, Role, User
from clinx.domain.money import Amount
from clinx.graphql import step_up
from clinx.graphql.context import Context, Info
from clinx.graphql.errors import UserError, attempt
from clinx.graphql.ids import number_of
from clinx.graphql.permissions import SESSION, SIGNED_IN, over
from clinx.graphql.scalars import Secret
from clinx.graphql.sign_in.done import Done, done
from clinx.graphql.sign_in.types import IDENTITY, NotificationSettingsNode
from clinx.graphql.users.types import UserNode
from clinx.graphql.users.whose import REACHED, checked_version
from clinx.notify.addresses import is_reachable, is_usable
from clinx.storage import users as stored_users


@strawberry.input(description="What is to become of one's profile; what is absent stays.")
class ProfileUpdateInput:
    """A profile."""

    expected_version: int | None = strawberry.field(default=None, description="Refused if it is another one by now.")
    display_name: str | None = strawberry.field(default=UNSET, description="Null is the name.")
    language: Language | None = strawberry.field(default=UNSET, description="Null is the console's.")


@strawberry.type(description="One's account as it is now.")
class ProfileUpdatePayload:
    """An account."""

    user: UserNode | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="Where notices are posted.")
class WebhookInput:
    """Where."""

    url: Secret = strawberry.field(
        description="An https address that leads to a public network. Not shown again: it often holds a secret."
    )
    secret: Secret = strawberry.field(description="What notices are signed with.")


@strawberry.input(description="When and how one wants to be told; what is absent stays, null takes it away.")
class NotificationSettingsUpdateInput:
    """Settings."""

    low_balance_at: Amount | None = strawberry.field(default=UNSET, description="Told below this.")
    by_email: bool | None = UNSET
    webhook: WebhookInput | None = UNSET


@strawberry.type(description="Settings as they are now.")
class NotificationSettingsUpdatePayload:
    """Settings."""

    notifications: NotificationSettingsNode | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="Which identity.")
class IdentityUnbindInput:
    """Which."""

    id: strawberry.ID


@strawberry.type(description="Whether it signs nobody in any more.")
class IdentityUnbindPayload(Done):
    """Whether it does not."""


@strawberry.type
class ProfileMutation:
    """What belongs to oneself."""

    @strawberry.mutation(description="Change what one says of oneself.")
    async def profile_update(self, info: Info, input: ProfileUpdateInput) -> ProfileUpdatePayload:  # noqa: A002
        """Change it."""

        async def work() -> ProfileUpdatePayload:
            context = info.context
            before = await _oneself(context)
            version = checked_version(before.version, input.expected_version)
            changes = UserChanges(
                display_name=None if input.display_name is UNSET else _called(context, input.display_name or ""),
                language=None if input.language is UNSET else input.language,
                speaks_default=input.language is None,
            )
            after = await users.edit(context.services.database, before, changes, at=context.now, expected=version)
            return ProfileUpdatePayload(user=UserNode.of(after))

        return await attempt(lambda errors: ProfileUpdatePayload(errors=errors), work)

    @strawberry.mutation(description="Say when and how one wants to be told that little is left.")
    async def notification_settings_update(
        self,
        info: Info,
        input: NotificationSettingsUpdateInput,  # noqa: A002
    ) -> NotificationSettingsUpdatePayload:
        """Say so."""

        async def work() -> NotificationSettingsUpdatePayload:
            context, user = info.context, info.context.signed_in.user
            before = await notification_settings.load(context.services.database, user)
            after = _settings(context, before, input)
            await notification_settings.save(context.services.database, user, after, at=context.now)
            return NotificationSettingsUpdatePayload(notifications=NotificationSettingsNode.of(after))

        return await attempt(lambda errors: NotificationSettingsUpdatePayload(errors=errors), work)

    @strawberry.mutation(
        description="Let an account at another service sign one in no more; needs a fresh proof of who one is."
    )
    async def identity_unbind(self, info: Info, input: IdentityUnbindInput) -> IdentityUnbindPayload:  # noqa: A002
        """Let it."""
        context = info.context

        async def work() -> None:
            step_up.require(context)
            await identities.unbind(context.services.database, context.signed_in.user, number_of(input.id, IDENTITY))

        return await done(IdentityUnbindPayload, work)


def _called(context: Context, name: str) -> str:
    """Return what one wants to be called; operators may be called what they are."""
    is_operator = context.signed_in.user.role is not Role.USER
    return users.check_own_name(name, () if is_operator else context.snapshot.console.reserved_names)


async def _oneself(context: Context) -> User:
    """Return whoever asks as they are now: another mutation of the operation may have changed them."""
    user = await stored_users.get(context.services.database, context.signed_in.user.id)
    if user is None:
        raise NotFound("there is no such user any more")
    return user


def _settings(
    context: Context, before: NotificationSettings, asked: NotificationSettingsUpdateInput
) -> NotificationSettings:
    after = before
    if asked.low_balance_at is not UNSET:
        after = replace(after, low_balance_at=asked.low_balance_at)
    if asked.by_email is not UNSET:
        after = replace(after, by_email=bool(asked.by_email))
    if asked.webhook is None:
        after = replace(after, sealed_webhook=None)
    elif asked.webhook is not UNSET:
        webhook = Webhook(asked.webhook.url, asked.webhook.secret)
        _check_address(context, webhook.url)
        sealer = context.services.accounts.sealer
        sealed = notification_settings.seal_webhook(sealer, context.signed_in.user, webhook)
        after = replace(after, sealed_webhook=sealed)
    return after


def _check_address(context: Context, url: str) -> None:
    """Let pass where notices may be posted to, as far as that shows now.

    Raises:
        WebhookInvalid: with the reason that the log would give for each notice.
    """
    if not is_usable(url):
        raise WebhookInvalid("a webhook is an https address without a user", what="url", reason="address")
    if not is_reachable(url, context.snapshot.server.egress_allow):
        raise WebhookInvalid("a webhook is at a public address", what="url", reason="forbidden")


ACCESS = {
    **over("ProfileUpdatePayload", REACHED, "user", "errors"),
    **over("NotificationSettingsUpdatePayload", REACHED, "notifications", "errors"),
    **over("IdentityUnbindPayload", REACHED, "done", "errors"),
    **over("Mutation", SIGNED_IN, "profileUpdate", "notificationSettingsUpdate"),
    **over("Mutation", SESSION, "identityUnbind"),
}
