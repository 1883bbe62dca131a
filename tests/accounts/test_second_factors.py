import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from pyotp.totp import TOTP

from clinx.accounts.failures import FactorRefused, NotFound, ProfileInvalid, TooMany, Unsealable
from clinx.accounts.sealing import Sealer
from clinx.accounts.second_factors import BACKUPS, MOST, SecondFactors
from clinx.domain.session import FactorKind
from support.accounts import Desk

STEP = timedelta(seconds=30)


async def test_an_app_counts_only_when_it_was_confirmed(desk: Desk):
    user = await desk.user()
    setup = await desk.factors.begin_totp(user, "Clinx", "phone")
    app = TOTP(setup.secret)
    assert (await desk.factors.held(user)).kinds == ()
    with pytest.raises(FactorRefused):
        await desk.factors.prove(user, FactorKind.TOTP, app.at(desk.clock.now()))

    await desk.factors.confirm_totp(user, setup.factor.id, app.at(desk.clock.now()))

    held = await desk.factors.held(user)
    assert held.kinds == (FactorKind.TOTP,)
    assert [(factor.name, factor.confirmed_at) for factor in held.factors] == [("phone", desk.clock.now())]
    assert setup.uri == f"otpauth://totp/Clinx:ann?secret={setup.secret}&issuer=Clinx"


async def test_a_wrong_code_confirms_nothing(desk: Desk):
    user = await desk.user()
    setup = await desk.factors.begin_totp(user, "Clinx")
    code = TOTP(setup.secret).at(desk.clock.now())

    with pytest.raises(FactorRefused):
        await desk.factors.confirm_totp(user, setup.factor.id, f"{(int(code) + 1) % 10**6:06}")
    with pytest.raises(NotFound):
        await desk.factors.confirm_totp(user, 99, code)
    with pytest.raises(NotFound):
        await desk.factors.confirm_totp(await desk.user("bob"), setup.factor.id, code)

    assert (await desk.factors.held(user)).factors == ()


async def test_a_code_proves_something_once(desk: Desk):
    user = await desk.user()
    app = await desk.app(user)

    with pytest.raises(FactorRefused):  # It confirmed the app.
        await desk.factors.prove(user, FactorKind.TOTP, app.at(desk.clock.now()))
    desk.clock.advance(30)
    code = app.at(desk.clock.now())
    await desk.factors.prove(user, FactorKind.TOTP, f" {code[:3]} {code[3:]} ")
    with pytest.raises(FactorRefused):
        await desk.factors.prove(user, FactorKind.TOTP, code)


async def test_of_many_who_present_one_code_at_once_one_is_let_in(desk: Desk):
    user = await desk.user()
    app = await desk.app(user)
    desk.clock.advance(60)
    codes = await desk.factors.make_backups(user)

    for kind, code in ((FactorKind.TOTP, app.at(desk.clock.now())), (FactorKind.BACKUP, codes[0])):
        tried = await asyncio.gather(*(desk.factors.prove(user, kind, code) for _ in range(8)), return_exceptions=True)
        assert sum(result is None for result in tried) == 1


@pytest.mark.parametrize(("steps", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_a_clock_may_be_off_by_a_step(desk: Desk, steps: int, *, good: bool):
    user = await desk.user()
    app = await desk.app(user)
    desk.clock.advance(300)

    proof = desk.factors.prove(user, FactorKind.TOTP, app.at(desk.clock.now() + steps * STEP))

    if good:
        await proof
    else:
        with pytest.raises(FactorRefused):
            await proof


async def test_no_code_of_an_earlier_step_proves_anything_after_a_later_one(desk: Desk):
    user = await desk.user()
    app = await desk.app(user)
    desk.clock.advance(300)
    await desk.factors.prove(user, FactorKind.TOTP, app.at(desk.clock.now() + STEP))

    for steps in (-1, 0, 1):
        with pytest.raises(FactorRefused):
            await desk.factors.prove(user, FactorKind.TOTP, app.at(desk.clock.now() + steps * STEP))


@pytest.mark.parametrize("code", ["", "12345", "1234567", "x" * 10_000, "\ud800", "١٢٣٤٥٦", "\x00"])
@pytest.mark.parametrize("kind", [FactorKind.TOTP, FactorKind.BACKUP], ids=str)
async def test_what_is_no_code_proves_nothing(desk: Desk, kind: FactorKind, code: str):
    user = await desk.user()
    await desk.app(user)
    await desk.factors.make_backups(user)
    desk.clock.advance(60)

    with pytest.raises(FactorRefused):
        await desk.factors.prove(user, kind, code)


async def test_codes_on_paper_are_good_once_however_they_are_written(desk: Desk):
    user = await desk.user()
    await desk.app(user)
    codes = await desk.factors.make_backups(user)
    assert len(set(codes)) == BACKUPS
    assert (await desk.factors.held(user)).kinds == (FactorKind.TOTP, FactorKind.BACKUP)

    await desk.factors.prove(user, FactorKind.BACKUP, codes[0].upper().replace("-", " ").replace("0", "O"))
    with pytest.raises(FactorRefused):
        await desk.factors.prove(user, FactorKind.BACKUP, codes[0])
    assert (await desk.factors.held(user)).backups == BACKUPS - 1


async def test_new_codes_on_paper_make_the_old_ones_nothing(desk: Desk):
    user = await desk.user()
    old, new = await desk.factors.make_backups(user), await desk.factors.make_backups(user)

    with pytest.raises(FactorRefused):
        await desk.factors.prove(user, FactorKind.BACKUP, old[0])
    with pytest.raises(FactorRefused):
        await desk.factors.prove(await desk.user("bob"), FactorKind.BACKUP, new[0])
    await desk.factors.prove(user, FactorKind.BACKUP, new[0])


async def test_codes_on_paper_alone_are_asked_of_nobody(desk: Desk):
    user = await desk.user()
    await desk.factors.make_backups(user)

    assert (await desk.factors.held(user)).kinds == ()


async def test_with_the_last_factor_go_the_codes_on_paper(desk: Desk):
    user = await desk.user()
    await desk.app(user)
    await desk.factors.make_backups(user)
    (factor,) = (await desk.factors.held(user)).factors

    with pytest.raises(NotFound):
        await desk.factors.remove(await desk.user("bob"), factor.id)
    await desk.factors.remove(user, factor.id)

    assert await desk.database.fetch("SELECT id FROM second_factor") == []
    with pytest.raises(NotFound):
        await desk.factors.remove(user, factor.id)


async def test_an_admin_removes_all_factors_of_one_user(desk: Desk):
    ann, bob = await desk.user(), await desk.user("bob")
    for user in (ann, bob):
        await desk.app(user)
        await desk.factors.make_backups(user)

    assert await desk.factors.reset(ann) == 1 + BACKUPS

    assert (await desk.factors.held(ann)).kinds == ()
    assert (await desk.factors.held(bob)).kinds == (FactorKind.TOTP, FactorKind.BACKUP)


async def test_what_was_begun_and_not_confirmed_is_dropped_by_the_next(desk: Desk):
    user = await desk.user()
    first = await desk.factors.begin_totp(user, "Clinx")
    second = await desk.factors.begin_totp(user, "Clinx")

    with pytest.raises(NotFound):
        await desk.factors.confirm_totp(user, first.factor.id, TOTP(first.secret).at(desk.clock.now()))
    await desk.factors.confirm_totp(user, second.factor.id, TOTP(second.secret).at(desk.clock.now()))


async def test_secrets_are_sealed_and_shown_nowhere(desk: Desk):
    user = await desk.user()
    setup = await desk.factors.begin_totp(user, "Clinx")
    codes = await desk.factors.make_backups(user)

    stored = str(await desk.database.fetch("SELECT * FROM second_factor")) + repr(setup)

    assert setup.secret not in stored
    assert not [code for code in codes if code.replace("-", "") in stored]


async def test_with_another_key_of_the_gateway_nothing_is_proved(desk: Desk):
    user = await desk.user()
    app = await desk.app(user)
    desk.clock.advance(60)
    other = SecondFactors(desk.database, Sealer(b"x" * 32), now=desk.clock.now)

    with pytest.raises(Unsealable):
        await other.prove(user, FactorKind.TOTP, app.at(desk.clock.now()))


@pytest.mark.parametrize("name", ["x" * 65, "a\nb"])
async def test_what_cannot_be_shown_is_no_name_of_a_factor(desk: Desk, name: str):
    user = replace(await desk.user())

    with pytest.raises(ProfileInvalid):
        await desk.factors.begin_totp(user, "Clinx", name)


async def test_a_factor_is_called_otherwise(desk: Desk):
    user, other = await desk.user(), await desk.user("bob")
    await desk.app(user)
    factor = (await desk.factors.held(user)).factors[0]

    renamed = await desk.factors.rename(user, factor.id, " work ")

    assert renamed.name == "work"
    assert (await desk.factors.held(user)).factors == (renamed,)
    with pytest.raises(NotFound):
        await desk.factors.rename(other, factor.id, "mine")
    with pytest.raises(ProfileInvalid):
        await desk.factors.rename(user, factor.id, "x" * 65)


async def test_nobody_has_more_factors_than_some(desk: Desk):
    user = await desk.user()
    for _ in range(MOST):
        await desk.app(user)
        desk.clock.advance(30)

    with pytest.raises(TooMany) as caught:
        await desk.factors.begin_totp(user, "Clinx")

    assert (caught.value.code, caught.value.parameters) == ("too_many", {"what": "second_factor", "most": MOST})
    assert len((await desk.factors.held(user)).factors) == MOST
