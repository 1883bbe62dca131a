"""What may be asked for in vain. Callers of the relay meet `clinx.errors` instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar


class AccountError(Exception):
    """A request about users, tokens or signing in that cannot be met.

    The message says why to an operator; ``code`` and ``parameters`` say it to programs, and codes never change.
    """

    code: ClassVar[str] = "account_refused"

    def __init__(self, message: str, **parameters: str | int) -> None:
        """Say why, and give what a sentence in any language needs to say the same."""
        super().__init__(message)
        self.parameters: Mapping[str, str | int] = parameters


class NotFound(AccountError):
    """There is no such thing, or it is somebody else's."""

    code = "not_found"


class VersionConflict(AccountError):
    """Somebody changed it since it was read."""

    code = "version_conflict"


class NameInvalid(AccountError):
    """A name of a user that is none."""

    code = "name_invalid"


class NameTaken(AccountError):
    """Another user has that name."""

    code = "name_taken"


class NameReserved(AccountError):
    """A name that strangers may not give themselves; ``what`` says whether it is theirs or what they are called."""

    code = "name_reserved"


class GroupInvalid(AccountError):
    """A name of a group that is none."""

    code = "group_invalid"


class ProfileInvalid(AccountError):
    """Something a user may say of themselves, but not like this; ``what`` says what it is."""

    code = "profile_invalid"


class WebhookInvalid(AccountError):
    """An address that notices cannot be posted to, or a secret that is too long; ``what`` says which."""

    code = "webhook_invalid"


class Several(AccountError):
    """Several things are wrong with what was asked for: each of `found` says its own."""

    def __init__(self, found: Sequence[AccountError]) -> None:
        """Keep them, in the order in which they were asked for."""
        super().__init__("; ".join(map(str, found)))
        self.found = tuple(found)


class EmailInvalid(AccountError):
    """Not an address, or not one of a domain that is let in."""

    code = "email_invalid"


class EmailTaken(AccountError):
    """Another user has verified that address."""

    code = "email_taken"


class IdentityTaken(AccountError):
    """That account at the other service belongs to a user already."""

    code = "identity_taken"


class LastWayIn(AccountError):
    """Without it the user could not sign in any more."""

    code = "last_way_in"


class EmailNeeded(AccountError):
    """This needs an address, and there is none."""

    code = "email_needed"


class EmailUnverified(AccountError):
    """The account may do nothing before its address is verified."""

    code = "email_unverified"


class PasswordInvalid(AccountError):
    """A password that nobody should have."""

    code = "password_invalid"


class SignInRefused(AccountError):
    """The name, the address, the password or the factor is not right; which, nobody is told."""

    code = "sign_in_refused"


class AccountDisabled(AccountError):
    """The operator has disabled this account."""

    code = "account_disabled"


class RegistrationClosed(AccountError):
    """Strangers may not make accounts here."""

    code = "registration_closed"


class NotOffered(AccountError):
    """A way of signing in, or a kind of factor, that this gateway does not offer."""

    code = "not_offered"


class ChallengeRefused(AccountError):
    """A link or a code that is wrong, was used before, or whose time is over."""

    code = "challenge_refused"


class FactorRefused(AccountError):
    """A second factor that did not prove anything."""

    code = "factor_refused"


class StepUpRequired(AccountError):
    """This needs a fresh proof of who one is."""

    code = "step_up_required"


class TooManyAttempts(AccountError):
    """Too much was tried; ``retry_after`` says in how many seconds it may be tried again."""

    code = "too_many_attempts"

    def __init__(self, retry_after: int) -> None:
        """Say how many seconds to wait."""
        super().__init__(f"too many attempts; try again in {retry_after} s", retry_after=retry_after)
        self.retry_after = retry_after


class TooMany(AccountError):
    """The user has as many as anybody may; ``what`` says of what, and ``most`` how many that is."""

    code = "too_many"

    def __init__(self, what: str, most: int) -> None:
        """Say of what."""
        super().__init__(f"at most {most}: remove one first", what=what, most=most)


class Unsealable(AccountError):
    """What was sealed cannot be opened: the gateway's key is another one now."""

    code = "unsealable"


class IdempotencyConflict(AccountError):
    """The key was used before, for something else."""

    code = "idempotency_conflict"


class IdempotencyPending(AccountError):
    """What the key was used for is being worked on."""

    code = "idempotency_pending"


class TokenInvalid(AccountError):
    """A token that makes no sense: ``what`` says which limit of it, or its name."""

    code = "token_invalid"


class AccessKeyInvalid(AccountError):
    """An access key that makes no sense: ``what`` says whether it is its name, its expiry, or what it may do."""

    code = "access_key_invalid"
