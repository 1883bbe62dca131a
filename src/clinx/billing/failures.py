"""Why money that was asked for did not move. Callers of the relay meet `clinx.errors` instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class MoneyRefused(ValueError):
    """Nothing was moved and nothing changed; the message says why, ``code`` says it to programs and never changes."""

    code: ClassVar[str]

    def __init__(self, message: str, **parameters: str | int) -> None:
        """Say why, and give what a sentence in any language needs to say the same."""
        super().__init__(message)
        self.parameters: Mapping[str, str | int] = parameters


class KeyReused(MoneyRefused):
    """The key was used before, for something else: another amount, another user, another movement."""

    code = "key_reused"


class CodeRefused(MoneyRefused):
    """A redemption code that gives nothing."""


class CodeMistyped(CodeRefused):
    """Not a code at all, or one with a slip in it: no such code was ever made."""

    code = "code_mistyped"


class CodeUnknown(CodeRefused):
    """A well-formed code that is not ours."""

    code = "code_unknown"


class CodeUsed(CodeRefused):
    """It was redeemed before, by this user or by another."""

    code = "code_used"


class CodeExpired(CodeRefused):
    """Its time is over."""

    code = "code_expired"


class CodeDisabled(CodeRefused):
    """The operator withdrew it."""

    code = "code_disabled"


class OfferInvalid(MoneyRefused):
    """A batch of codes that makes no sense; ``what`` says which part of it."""

    code = "offer_invalid"


class InvitationRefused(MoneyRefused):
    """An invitation that cannot be accepted."""


class InvitationUnknown(InvitationRefused):
    """Nobody has this invitation code."""

    code = "invitation_unknown"


class InvitationAccepted(InvitationRefused):
    """The user has accepted one before: once is all there is."""

    code = "invitation_accepted"


class InvitationTooLate(InvitationRefused):
    """The user has been here too long to be invited."""

    code = "invitation_too_late"


class InvitationFromLater(InvitationRefused):
    """The user's own code, or one of somebody who came after them."""

    code = "invitation_from_later"


class TransferTooSmall(MoneyRefused):
    """Less than may be transferred at once."""

    code = "transfer_too_small"


class RewardsTooFew(MoneyRefused):
    """More than the rewards that wait."""

    code = "rewards_too_few"


class ChargeUnknown(MoneyRefused):
    """No such event, or one that charged nobody."""

    code = "charge_unknown"


class RefundTooLarge(MoneyRefused):
    """More than what is left of the charge."""

    code = "refund_too_large"


class SecondPersonNeeded(MoneyRefused):
    """More than one person alone may give."""

    code = "second_person_needed"


class AdjustmentUnknown(MoneyRefused):
    """No such proposal."""

    code = "not_found"


class NotTheProposer(MoneyRefused):
    """Whoever proposed it does not approve it."""

    code = "not_the_proposer"


class AdjustmentDecided(MoneyRefused):
    """Somebody has approved or rejected it."""

    code = "adjustment_decided"


class AdjustmentExpired(MoneyRefused):
    """Nobody decided about it in time."""

    code = "adjustment_expired"
