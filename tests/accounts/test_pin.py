from __future__ import annotations

from datetime import UTC, datetime

import pytest

from clinx.accounts.pin import check_pin, pinned_channel, split
from clinx.domain.identity import Principal, Role, Status, Token, User
from clinx.errors import PermissionDenied

SECRET = "sk-" + "0123456789abcdefABCDEF" * 2 + "wxyz"
"""As long as every key of ours, and the same in each process that collects these tests."""
FOREIGN = "sk-another-gateway-s-key-with-hyphens-that-is-longer-than-ours"


def _principal(role: Role, pinned: str | None = None) -> Principal:
    user = User(1, "u", role, Status.ACTIVE, "default", datetime(2026, 1, 1, tzinfo=UTC))
    return Principal(user, Token(1, 1, "t", "sk-…", Status.ACTIVE), "default", pinned)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (SECRET, (SECRET, None)),
        (f"{SECRET}-main", (SECRET, "main")),
        (f"{SECRET}-eu-west-1", (SECRET, "eu-west-1")),
        (f"{SECRET}-", (f"{SECRET}-", None)),
        (FOREIGN, (FOREIGN, None)),
        ("", ("", None)),
    ],
)  # fmt: skip
def test_a_channel_may_stand_behind_a_key_of_ours(given: str, expected: tuple[str, str | None]) -> None:
    assert split(given) == expected


@pytest.mark.parametrize("role", [Role.ADMIN, Role.ROOT])
def test_an_admin_pins_by_the_key_and_by_the_header_which_wins(role: Role) -> None:
    check_pin(role)

    assert pinned_channel(_principal(role), None) is None
    assert pinned_channel(_principal(role, "main"), None) == "main"
    assert pinned_channel(_principal(role, "main"), "other") == "other"


def test_nobody_else_chooses_a_channel() -> None:
    with pytest.raises(PermissionDenied):
        pinned_channel(_principal(Role.USER), "main")
    with pytest.raises(PermissionDenied):
        check_pin(Role.USER)
    assert pinned_channel(_principal(Role.USER), "") is None
