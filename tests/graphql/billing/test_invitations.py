from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from clinx.accounts.throttle import CODES_PER_USER
from clinx.billing import invitations
from clinx.domain.identity import User
from clinx.graphql.billing.invitations import InvitationNode, invitation_of_viewer
from support.database import Clock

ACCEPT = """
mutation ($input: InvitationAcceptInput!) {
  invitationAccept(input: $input) { amount balance { total } errors { code } }
}"""
TRANSFER = """
mutation ($input: InvitationTransferInput!) {
  invitationTransfer(input: $input) { invitation { earned transferable } balance { total } errors { code } }
}"""


async def code_of(console, user: User) -> str:
    return (await invitations.show(console.database, user)).code


async def accept(console, who: User, code: str) -> Any:
    return (await console.ask(who, ACCEPT, input={"code": code}))["invitationAccept"]


async def transfer(console, who: User, amount: str, key: str = "key-1") -> Any:
    asked = {"amount": amount, "idempotencyKey": key}
    return (await console.ask(who, TRANSFER, input=asked))["invitationTransfer"]


async def shown(console, who: User) -> InvitationNode:
    return await invitation_of_viewer(console.context(who))


async def test_everybody_has_a_code_and_a_link(console):
    ann = await console.user("ann")

    found = await shown(console, ann)

    assert await shown(console, ann) == found
    assert found.link == f"https://console.example/register?invitation={found.code}"
    assert (found.invited, str(found.earned), str(found.transferable), found.was_invited) == (0, "0", "0", False)
    assert (str(found.reward), str(found.reward_for_invited), str(found.least)) == ("2", "0.5", "1")


async def test_a_viewer_sees_their_own(console):
    ann = await console.user("ann")

    found = await console.ask(ann, "{ viewer { invitation { code transferable } } }")

    assert found == {"viewer": {"invitation": {"code": await code_of(console, ann), "transferable": "0"}}}


async def test_without_a_frontend_there_is_no_link(console):
    console.snapshot = replace(console.snapshot, console=replace(console.snapshot.console, url=None))

    assert (await shown(console, await console.user("ann"))).link is None


async def test_both_sides_of_an_invitation_are_rewarded_once(console):
    ann, bob = await console.user("ann"), await console.user("bob")
    code = await code_of(console, ann)

    assert await accept(console, bob, code) == {"amount": "0.5", "balance": {"total": "0.5"}, "errors": []}
    again = await accept(console, bob, code)

    assert again == {"amount": None, "balance": None, "errors": [{"code": "invitation_accepted"}]}
    of_ann, of_bob = await shown(console, ann), await shown(console, bob)
    assert (of_ann.invited, str(of_ann.earned), str(of_ann.transferable)) == (1, "2", "2")
    assert (of_ann.was_invited, of_bob.was_invited) == (False, True)
    assert [await console.sum_of(name) for name in (bob.account, f"invite:{ann.id}", ann.account)] == ["0.5", "2", "0"]


async def test_invitations_that_are_none_are_refused(console, clock: Clock):
    ann, bob = await console.user("ann"), await console.user("bob")

    assert (await accept(console, bob, "nonsense"))["errors"] == [{"code": "invitation_unknown"}]
    assert (await accept(console, ann, await code_of(console, bob)))["errors"] == [{"code": "invitation_from_later"}]
    clock.advance(timedelta(days=31).total_seconds())
    assert (await accept(console, bob, await code_of(console, ann)))["errors"] == [{"code": "invitation_too_late"}]
    assert await console.sum_of(bob.account) == "0"


async def test_guessing_codes_is_counted(console):
    bob = await console.user("bob")
    for _ in range(CODES_PER_USER[0].most):
        await accept(console, bob, "00000000")

    assert (await accept(console, bob, "00000000"))["errors"] == [{"code": "too_many_attempts"}]


async def test_rewards_are_transferred_once_for_a_key(console):
    ann, bob = await console.user("ann"), await console.user("bob")
    await accept(console, bob, await code_of(console, ann))

    first = await transfer(console, ann, "1")
    again = await transfer(console, ann, "1")

    moved = {"invitation": {"earned": "2", "transferable": "1"}, "balance": {"total": "1"}, "errors": []}
    assert (first, again) == (moved, moved)
    assert [await console.sum_of(name) for name in (ann.account, f"invite:{ann.id}")] == ["1", "1"]


@pytest.mark.parametrize(
    ("amount", "key", "code"),
    [("0.5", "key-2", "transfer_too_small"), ("1.5", "key-2", "rewards_too_few"), ("1.5", "key-1", "key_reused")],
)
async def test_a_transfer_that_cannot_be_moves_nothing(console, amount: str, key: str, code: str):
    ann, bob = await console.user("ann"), await console.user("bob")
    await accept(console, bob, await code_of(console, ann))
    await transfer(console, ann, "1")

    refused = await transfer(console, ann, amount, key)

    assert refused == {"invitation": None, "balance": None, "errors": [{"code": code}]}
    assert [await console.sum_of(name) for name in (ann.account, f"invite:{ann.id}")] == ["1", "1"]
