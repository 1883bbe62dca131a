from datetime import UTC, datetime

from clinx.domain.identity import Role, Status, Token, User, user_account
from clinx.domain.money import ZERO


def test_a_user_has_an_account_in_the_ledger():
    user = User(42, "ann", Role.USER, Status.ACTIVE, "default", datetime(2030, 1, 1, tzinfo=UTC))
    assert user.account == user_account(42) == "user:42"


def test_a_token_is_unrestricted_unless_it_says_so():
    token = Token(1, 42, "laptop", "sk-ab…wxyz", Status.ACTIVE)
    assert (token.models, token.networks, token.budget, token.group, token.expires_at) == (
        frozenset(),
        (),
        None,
        None,
        None,
    )
    assert token.spent == ZERO
