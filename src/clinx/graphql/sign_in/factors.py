"""Setting up and removing what proves who one is beside a password. Each needs a fresh proof of who one is."""

from __future__ import annotations

import strawberry

from clinx.accounts import passkeys
from clinx.graphql import step_up
from clinx.graphql.context import Context, Info
from clinx.graphql.errors import UserError, attempt
from clinx.graphql.ids import number_of, to_id
from clinx.graphql.permissions import SESSION, over
from clinx.graphql.scalars import Secret
from clinx.graphql.sign_in.done import Done, done
from clinx.graphql.sign_in.types import FACTOR, PasskeyCeremony, SecondFactorNode
from clinx.graphql.users.whose import REACHED


@strawberry.input(description="An authenticator app.")
class TotpSetupInput:
    """An app."""

    name: str = strawberry.field(default="", description="What its owner calls it.")


@strawberry.type(description="What an app needs. It counts for nothing before `totpConfirm`.")
class TotpSetupPayload:
    """What an app needs."""

    id: strawberry.ID | None = None
    uri: str | None = strawberry.field(default=None, description="`otpauth://`, for a picture: shown now, never again.")
    secret: str | None = strawberry.field(default=None, description="The same in base32, for those who type it.")
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="What the app shows.")
class TotpConfirmInput:
    """What the app shows."""

    id: strawberry.ID
    code: Secret


@strawberry.type(description="A second factor that counts from now on.")
class TotpConfirmPayload:
    """A second factor."""

    factor: SecondFactorNode | None = None
    backup_codes: list[str] | None = strawberry.field(
        default=None, description="Codes on paper, made with the first factor: shown now, never again."
    )
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="What the browser needs.")
class PasskeyRegisterBeginPayload:
    """What the browser needs."""

    ceremony: PasskeyCeremony | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="What the browser made.")
class PasskeyRegisterFinishInput:
    """What the browser made."""

    ceremony: Secret = strawberry.field(description="The ceremony's secret.")
    credential: str = strawberry.field(description="JSON, as the browser gave it.")
    name: str = strawberry.field(default="", description="What its owner calls it.")


@strawberry.type(description="A passkey that counts from now on.")
class PasskeyRegisterFinishPayload:
    """A passkey."""

    factor: SecondFactorNode | None = None
    backup_codes: list[str] | None = strawberry.field(
        default=None, description="Codes on paper, made with the first factor: shown now, never again."
    )
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="New codes on paper; those of before are nothing any more.")
class BackupCodesRegeneratePayload:
    """New codes."""

    backup_codes: list[str] | None = strawberry.field(default=None, description="Shown now, never again.")
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="Which second factor.")
class SecondFactorRemoveInput:
    """Which."""

    id: strawberry.ID


@strawberry.type(description="Whether it is gone; with the last one go the codes on paper.")
class SecondFactorRemovePayload(Done):
    """Whether it is."""


@strawberry.input(description="Which second factor, and what its owner calls it.")
class SecondFactorRenameInput:
    """Which, and its name."""

    id: strawberry.ID
    name: str


@strawberry.type(description="A second factor with its new name.")
class SecondFactorRenamePayload:
    """A second factor."""

    factor: SecondFactorNode | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class FactorMutation:
    """Second factors."""

    @strawberry.mutation(description="Begin to set up an authenticator app.")
    async def totp_setup(self, info: Info, input: TotpSetupInput) -> TotpSetupPayload:  # noqa: A002
        """Begin."""

        async def work() -> TotpSetupPayload:
            context = info.context
            step_up.require(context)
            factors, console = context.services.accounts.factors, context.snapshot.console
            made = await factors.begin_totp(context.signed_in.user, console.name, input.name)
            return TotpSetupPayload(id=to_id(FACTOR, made.factor.id), uri=made.uri, secret=made.secret)

        return await attempt(lambda errors: TotpSetupPayload(errors=errors), work)

    @strawberry.mutation(description="Let an app count, by what it shows.")
    async def totp_confirm(self, info: Info, input: TotpConfirmInput) -> TotpConfirmPayload:  # noqa: A002
        """Let it."""

        async def work() -> TotpConfirmPayload:
            context, number = info.context, number_of(input.id, FACTOR)
            step_up.require(context)
            throttle = context.services.throttle
            ticket = await throttle.factor(context.signed_in.user.id, context.address)
            await context.services.accounts.factors.confirm_totp(context.signed_in.user, number, input.code)
            await throttle.give_back(ticket)
            return TotpConfirmPayload(factor=await _factor(context, number), backup_codes=await _first_backups(context))

        return await attempt(lambda errors: TotpConfirmPayload(errors=errors), work)

    @strawberry.mutation(description="Begin to make a passkey.")
    async def passkey_register_begin(self, info: Info) -> PasskeyRegisterBeginPayload:
        """Begin."""

        async def work() -> PasskeyRegisterBeginPayload:
            context = info.context
            step_up.require(context)
            party = passkeys.relying_party(context.snapshot.console)
            made = await context.services.accounts.passkeys.begin_registration(context.signed_in.user, party)
            return PasskeyRegisterBeginPayload(ceremony=PasskeyCeremony.of(made))

        return await attempt(lambda errors: PasskeyRegisterBeginPayload(errors=errors), work)

    @strawberry.mutation(description="Keep the passkey that a browser made.")
    async def passkey_register_finish(
        self,
        info: Info,
        input: PasskeyRegisterFinishInput,  # noqa: A002
    ) -> PasskeyRegisterFinishPayload:
        """Keep it."""

        async def work() -> PasskeyRegisterFinishPayload:
            context = info.context
            step_up.require(context)
            party = passkeys.relying_party(context.snapshot.console)
            factor = await context.services.accounts.passkeys.finish_registration(
                context.signed_in.user, party, secret=input.ceremony, answer=input.credential, name=input.name
            )
            return PasskeyRegisterFinishPayload(
                factor=SecondFactorNode.of(factor), backup_codes=await _first_backups(context)
            )

        return await attempt(lambda errors: PasskeyRegisterFinishPayload(errors=errors), work)

    @strawberry.mutation(description="Make new codes on paper.")
    async def backup_codes_regenerate(self, info: Info) -> BackupCodesRegeneratePayload:
        """Make them."""

        async def work() -> BackupCodesRegeneratePayload:
            context = info.context
            step_up.require(context)
            codes = await context.services.accounts.factors.make_backups(context.signed_in.user)
            return BackupCodesRegeneratePayload(backup_codes=codes)

        return await attempt(lambda errors: BackupCodesRegeneratePayload(errors=errors), work)

    @strawberry.mutation(description="Remove a second factor.")
    async def second_factor_remove(self, info: Info, input: SecondFactorRemoveInput) -> SecondFactorRemovePayload:  # noqa: A002
        """Remove it."""
        context = info.context

        async def work() -> None:
            step_up.require(context)
            number = number_of(input.id, FACTOR)
            await context.services.accounts.factors.remove(context.signed_in.user, number)

        return await done(SecondFactorRemovePayload, work)

    @strawberry.mutation(description="Call a second factor otherwise.")
    async def second_factor_rename(self, info: Info, input: SecondFactorRenameInput) -> SecondFactorRenamePayload:  # noqa: A002
        """Call it so."""

        async def work() -> SecondFactorRenamePayload:
            context, number = info.context, number_of(input.id, FACTOR)
            renamed = await context.services.accounts.factors.rename(context.signed_in.user, number, input.name)
            return SecondFactorRenamePayload(factor=SecondFactorNode.of(renamed))

        return await attempt(lambda errors: SecondFactorRenamePayload(errors=errors), work)


async def _factor(context: Context, number: int) -> SecondFactorNode | None:
    held = await context.services.accounts.factors.held(context.signed_in.user)
    return next((SecondFactorNode.of(each) for each in held.factors if each.id == number), None)


async def _first_backups(context: Context) -> list[str] | None:
    """Make codes on paper with the first factor: without them, who loses it could not come in any more."""
    factors, user = context.services.accounts.factors, context.signed_in.user
    held = await factors.held(user)
    return None if len(held.factors) > 1 or held.backups else await factors.make_backups(user)


ACCESS = {
    **over("TotpSetupPayload", REACHED, "id", "uri", "secret", "errors"),
    **over("TotpConfirmPayload", REACHED, "factor", "backupCodes", "errors"),
    **over("PasskeyRegisterBeginPayload", REACHED, "ceremony", "errors"),
    **over("PasskeyRegisterFinishPayload", REACHED, "factor", "backupCodes", "errors"),
    **over("BackupCodesRegeneratePayload", REACHED, "backupCodes", "errors"),
    **over("SecondFactorRemovePayload", REACHED, "done", "errors"),
    **over("SecondFactorRenamePayload", REACHED, "factor", "errors"),
    **over(
        "Mutation",
        SESSION,
        *("totpSetup", "totpConfirm", "passkeyRegisterBegin", "passkeyRegisterFinish"),
        *("backupCodesRegenerate", "secondFactorRemove", "secondFactorRename"),
    ),
}
