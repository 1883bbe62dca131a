from datetime import timedelta

from clinx.billing.refusal import budget_spent, insufficient, token_refusal
from clinx.domain.identity import Status
from clinx.domain.money import ZERO, Amount
from clinx.errors import PermissionDenied, TokenDisabled, TokenExpired
from clinx.storage.reservations import TokenBudget
from support.database import START


def token(**changes: object) -> TokenBudget:
    values: dict[str, object] = {
        "status": Status.ACTIVE,
        "user_status": Status.ACTIVE,
        "expires_at": None,
        "budget": None,
        "spent": ZERO,
        "held": ZERO,
    }
    return TokenBudget(**{**values, **changes})  # pyright: ignore[reportArgumentType]  (a row of defaults)


def test_why_a_token_may_not_spend():
    assert token_refusal(token(), START) is None
    assert token_refusal(token(expires_at=START + timedelta(microseconds=1)), START) is None
    assert isinstance(token_refusal(None, START), TokenDisabled)
    assert isinstance(token_refusal(token(status=Status.DISABLED), START), TokenDisabled)
    assert isinstance(token_refusal(token(expires_at=START), START), TokenExpired)
    assert isinstance(token_refusal(token(user_status=Status.DISABLED), START), PermissionDenied)


def test_a_refusal_says_what_could_be_held_instead():
    balance = insufficient(3, Amount(5), elsewhere=True)
    budget = budget_spent(-3, Amount(5), elsewhere=False)

    assert (balance.available_nano, balance.leased_elsewhere) == (3, True)
    assert str(balance) == "The balance is insufficient: 0.000000003 available, this request may cost 0.000000005."
    assert (budget.available_nano, budget.leased_elsewhere) == (0, False)
    assert str(budget) == "The budget of this API key is spent: 0 left, this request may cost 0.000000005."
