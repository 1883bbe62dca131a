import json
import sys
from dataclasses import replace

import pytest

from clinx.accounts import passkeys
from clinx.accounts.failures import ChallengeRefused, FactorRefused, NotOffered
from clinx.accounts.passkeys import Ceremony, RelyingParty
from clinx.domain.console import Console, SignIn
from clinx.domain.identity import User
from clinx.domain.session import FactorKind, SecondFactor
from support.accounts import CONSOLE, Desk
from support.authenticator import Authenticator

PARTY = passkeys.relying_party(replace(CONSOLE, sign_in=SignIn(passkeys=True)))


async def registered(desk: Desk, user: User, device: Authenticator) -> SecondFactor:
    ceremony = await desk.passkeys.begin_registration(user, PARTY)
    answer = device.register(ceremony.options)
    return await desk.passkeys.finish_registration(user, PARTY, secret=ceremony.secret, answer=answer, name="phone")


async def proved(desk: Desk, user: User | None, device: Authenticator) -> int:
    ceremony = await desk.passkeys.begin_authentication(PARTY, user)
    user_id = None if user is None else user.id
    return await finished(desk, ceremony, device.sign(ceremony.options), user_id)


async def finished(desk: Desk, ceremony: Ceremony, answer: str, user_id: int | None) -> int:
    return await desk.passkeys.finish_authentication(PARTY, secret=ceremony.secret, answer=answer, user_id=user_id)


def test_passkeys_are_made_for_the_host_of_the_frontend():
    assert (
        RelyingParty("console.example.org", "Clinx", ("https://console.example.org", "https://gateway.example.org"))
        == PARTY
    )
    alone = Console(address="http://localhost:8787/x", origins=("https://a.org",), sign_in=SignIn(passkeys=True))
    assert passkeys.relying_party(alone) == RelyingParty(
        "localhost", "Clinx", ("http://localhost:8787", "https://a.org")
    )


@pytest.mark.parametrize(
    "console", [CONSOLE, Console(sign_in=SignIn(passkeys=True))], ids=["not in the tree", "no address"]
)
def test_passkeys_are_offered_only_where_the_tree_says_so(console: Console):
    with pytest.raises(NotOffered) as caught:
        passkeys.relying_party(console)
    assert caught.value.parameters == {"what": "passkey"}


async def test_a_passkey_proves_its_user(desk: Desk):
    user, device = await desk.user(), Authenticator()

    factor = await registered(desk, user, device)

    assert (factor.kind, factor.name, factor.confirmed_at) == (FactorKind.PASSKEY, "phone", desk.clock.now())
    assert (await desk.factors.held(user)).kinds == (FactorKind.PASSKEY,)
    for asked in (user, None, user):
        assert await proved(desk, asked, device) == user.id
    (used,) = (await desk.factors.held(user)).factors
    assert used.used_at == desk.clock.now()


async def test_a_passkey_that_does_not_count_proves_its_user_too(desk: Desk):
    user, device = await desk.user(), Authenticator(count=None)
    await registered(desk, user, device)

    assert [await proved(desk, user, device) for _ in range(2)] == [user.id, user.id]


async def test_a_copy_of_a_passkey_is_noticed_by_its_count(desk: Desk):
    user, device = await desk.user(), Authenticator(count=10)
    await registered(desk, user, device)
    await proved(desk, user, device)

    for count in (5, 10, None):
        copy = replace(device, count=count)
        with pytest.raises(FactorRefused):
            await proved(desk, user, copy)
    assert await proved(desk, user, device) == user.id


async def test_a_ceremony_is_finished_once(desk: Desk):
    user, device = await desk.user(), Authenticator()
    first = await desk.passkeys.begin_registration(user, PARTY)
    answer = device.register(first.options)
    await desk.passkeys.finish_registration(user, PARTY, secret=first.secret, answer=answer, name="")
    with pytest.raises(ChallengeRefused):
        await desk.passkeys.finish_registration(user, PARTY, secret=first.secret, answer=answer, name="")

    then = await desk.passkeys.begin_authentication(PARTY, user)
    signed = device.sign(then.options)
    assert await finished(desk, then, signed, user.id) == user.id
    with pytest.raises(ChallengeRefused):
        await finished(desk, then, signed, user.id)


async def test_a_ceremony_takes_minutes_at_most(desk: Desk):
    user, device = await desk.user(), Authenticator()
    ceremony = await desk.passkeys.begin_registration(user, PARTY)
    desk.clock.advance(300)

    with pytest.raises(ChallengeRefused):
        await desk.passkeys.finish_registration(
            user, PARTY, secret=ceremony.secret, answer=device.register(ceremony.options), name=""
        )


async def test_an_answer_to_another_ceremony_proves_nothing(desk: Desk):
    user, device = await desk.user(), Authenticator()
    await registered(desk, user, device)
    mine, other = [await desk.passkeys.begin_authentication(PARTY, user) for _ in range(2)]

    with pytest.raises(FactorRefused):
        await finished(desk, mine, device.sign(other.options), user.id)


@pytest.mark.parametrize(
    "wrong",
    [{"origin": "https://evil.example"}, {"host": "evil.example"}, {"id": b"another"}],
    ids=["page", "host", "unknown"],
)
async def test_what_was_signed_for_somebody_else_proves_nothing(desk: Desk, wrong: dict[str, str]):
    user, device = await desk.user(), Authenticator()
    await registered(desk, user, device)

    with pytest.raises(FactorRefused):
        await proved(desk, user, replace(device, **wrong))  # pyright: ignore[reportArgumentType]  (by name)


async def test_another_key_of_the_same_name_proves_nothing(desk: Desk):
    user = await desk.user()
    await registered(desk, user, Authenticator())

    with pytest.raises(FactorRefused):
        await proved(desk, user, Authenticator(count=50))


async def test_a_passkey_proves_nobody_else(desk: Desk):
    ann, bob = await desk.user(), await desk.user("bob")
    await registered(desk, ann, device := Authenticator())

    with pytest.raises(FactorRefused):
        await proved(desk, bob, device)


async def test_a_ceremony_for_one_user_signs_nobody_in_alone(desk: Desk):
    user, device = await desk.user(), Authenticator(verifies=False)
    await registered(desk, user, device)
    ceremony = await desk.passkeys.begin_authentication(PARTY, user)

    with pytest.raises(FactorRefused):
        await finished(desk, ceremony, device.sign(ceremony.options), None)


async def test_alone_it_proves_only_with_its_holder_verified(desk: Desk):
    user, device = await desk.user(), Authenticator(verifies=False)
    await registered(desk, user, device)

    with pytest.raises(FactorRefused):
        await proved(desk, None, device)
    assert await proved(desk, user, device) == user.id


async def test_a_passkey_is_registered_once_and_by_who_began(desk: Desk):
    ann, bob, device = await desk.user(), await desk.user("bob"), Authenticator()
    await registered(desk, ann, device)

    with pytest.raises(FactorRefused):
        await registered(desk, bob, device)
    ceremony = await desk.passkeys.begin_registration(ann, PARTY)
    answer = Authenticator(b"2").register(ceremony.options)
    with pytest.raises(FactorRefused):
        await desk.passkeys.finish_registration(bob, PARTY, secret=ceremony.secret, answer=answer, name="")
    assert (await desk.factors.held(bob)).factors == ()


async def test_browsers_are_told_which_passkeys_there_are(desk: Desk):
    user = await desk.user()
    await registered(desk, user, Authenticator(b"one"))

    begun = json.loads((await desk.passkeys.begin_registration(user, PARTY)).options)
    asked = json.loads((await desk.passkeys.begin_authentication(PARTY, user)).options)
    open_to_all = json.loads((await desk.passkeys.begin_authentication(PARTY, None)).options)

    assert [known["id"] for known in begun["excludeCredentials"]] == ["b25l"]
    assert [known["id"] for known in asked["allowCredentials"]] == ["b25l"]
    assert open_to_all.get("allowCredentials", []) == []
    assert (asked["userVerification"], open_to_all["userVerification"]) == ("preferred", "required")


@pytest.mark.parametrize("answer", ["", "{", "[]", "{}", '{"rawId": 1}', '{"rawId": "x\\u0000"}', "x" * 70_000])
async def test_what_is_no_answer_proves_nothing(desk: Desk, answer: str):
    user = await desk.user()
    await registered(desk, user, Authenticator())
    made = await desk.passkeys.begin_registration(user, PARTY)
    asked = await desk.passkeys.begin_authentication(PARTY, user)

    with pytest.raises(FactorRefused):
        await desk.passkeys.finish_registration(user, PARTY, secret=made.secret, answer=answer, name="")
    with pytest.raises(FactorRefused):
        await finished(desk, asked, answer, user.id)


async def test_a_gateway_without_the_library_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "webauthn", None)

    with pytest.raises(NotOffered) as caught:
        await desk.passkeys.begin_authentication(PARTY, None)
    assert caught.value.parameters == {"what": "passkey"}
