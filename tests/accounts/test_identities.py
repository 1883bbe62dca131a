import pytest

from clinx.accounts import identities
from clinx.accounts.failures import IdentityTaken, LastWayIn, NotFound
from clinx.domain.session import FactorKind
from clinx.storage import second_factors
from clinx.storage.second_factors import NewFactor
from support.accounts import Desk
from support.database import START


async def test_a_bound_account_leads_to_its_user(desk: Desk):
    user = await desk.user()

    bound = await identities.bind(desk.database, user, "github", "42", "ann-at-github", at=START)

    assert await identities.find(desk.database, "github", "42") == user
    assert await identities.of_user(desk.database, user) == [bound]
    assert (bound.provider, bound.subject, bound.shown, bound.created_at) == ("github", "42", "ann-at-github", START)
    assert await identities.find(desk.database, "linuxdo", "42") is None


async def test_an_account_is_bound_to_one_user(desk: Desk):
    ann, bob = await desk.user(), await desk.user("bob")
    await identities.bind(desk.database, ann, "github", "42", "ann", at=START)

    for user in (ann, bob):
        with pytest.raises(IdentityTaken) as caught:
            await identities.bind(desk.database, user, "github", "42", "ann", at=START)
        assert caught.value.parameters == {"provider": "github"}

    assert await identities.find(desk.database, "github", "42") == ann


async def test_only_its_owner_unbinds_it(desk: Desk):
    ann, bob = await desk.user(), await desk.user("bob")
    bound = await identities.bind(desk.database, ann, "github", "42", "ann", at=START)

    with pytest.raises(NotFound):
        await identities.unbind(desk.database, bob, bound.id)
    await identities.unbind(desk.database, ann, bound.id)

    assert await identities.of_user(desk.database, ann) == []


async def test_the_last_way_in_stays(desk: Desk):
    user = await desk.user(password=None)
    first = await identities.bind(desk.database, user, "github", "42", "ann", at=START)
    second = await identities.bind(desk.database, user, "linuxdo", "42", "ann", at=START)

    await identities.unbind(desk.database, user, first.id)
    with pytest.raises(LastWayIn):
        await identities.unbind(desk.database, user, second.id)
    assert await identities.of_user(desk.database, user) == [second]

    passkey = NewFactor(user.id, FactorKind.PASSKEY, "key", "", START, public_id="x", confirmed_at=START)
    await desk.database.atomically(second_factors.insert(passkey))
    await identities.unbind(desk.database, user, second.id)
    assert await identities.of_user(desk.database, user) == []
