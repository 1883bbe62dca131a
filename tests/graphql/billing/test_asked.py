from __future__ import annotations

import pytest

from clinx.domain.identity import Role
from clinx.graphql.billing.asked import cause_of, key_of, owner_of, subject
from clinx.graphql.errors import Problem


@pytest.mark.parametrize(
    ("account", "owner"),
    [
        ("user:42", 42),
        ("invite:42", 42),
        ("revenue", None),
        ("clearing:epay", None),
        ("user:", None),
        ("token:7", None),
    ],
)
def test_an_account_belongs_to_its_user(account: str, owner: int | None):
    assert owner_of(account) == owner


async def test_a_key_is_whoever_asks_s_own(console):
    context = console.context(await console.user("ann"))

    assert key_of(context, "k" * 64) == f"{context.signed_in.user.id}:{'k' * 64}"
    for key in ("", "k" * 65, "ü", "a\n"):
        with pytest.raises(Problem) as caught:
            key_of(context, key)
        assert (caught.value.code, caught.value.path) == ("key_invalid", ("idempotencyKey",))


async def test_a_cause_names_who_and_why(console):
    context = console.context(await console.user("ann"), access_key=3)

    cause = cause_of(context, " sorry ", "key-1")

    assert (cause.actor, cause.reason, cause.key) == ("key:3:ann", "sorry", f"{context.signed_in.user.id}:key-1")
    for reason in ("", " ", "x" * 501, "a\x00b"):
        with pytest.raises(Problem) as caught:
            cause_of(context, reason, "key-1")
        assert (caught.value.code, caught.value.path) == ("reason_invalid", ("reason",))


async def test_a_balance_is_corrected_by_those_above(console):
    ann, admin = await console.user("ann"), await console.user("admin", role=Role.ADMIN)
    other, root = await console.user("other", role=Role.ADMIN), await console.user("root", role=Role.ROOT)

    async def refusal(who, user_id: int) -> str | None:
        try:
            assert (await subject(console.context(who), user_id)).id == user_id
        except Problem as problem:
            return problem.code
        return None

    assert await refusal(admin, ann.id) is None
    assert await refusal(admin, admin.id) == "not_yourself"
    assert await refusal(admin, other.id) == "role_too_low"
    assert await refusal(admin, root.id) == "role_too_low"
    assert await refusal(root, other.id) is None
    assert await refusal(admin, 99) == "not_found"
    assert await refusal(root, root.id) is None
