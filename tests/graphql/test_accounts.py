from clinx.accounts.passwords import Argon2, Passwords
from clinx.accounts.sign_in import SignIn
from clinx.graphql.accounts import Accounts
from support.operations import RIGHT, Api


async def test_the_services_know_one_another(api: Api):
    ann = await api.user("ann", password=RIGHT)

    assert isinstance(api.accounts.sign_in, SignIn)
    assert await api.accounts.passwords.is_right(ann, RIGHT)
    assert api.accounts.sealer.open(api.accounts.sealer.seal("x", "test", 1), "test", 1) == "x"


async def test_hashes_are_argon2_s_unless_somebody_else_makes_them(api: Api):
    services = api.services
    wired = Accounts.of(
        api.database,
        throttle=services.throttle,
        keys=services.keys,
        post=api.box,
        console=lambda: api.snapshot.console,
        now=services.now,
    )
    ann = await api.user("ann")

    await wired.passwords.set(ann, RIGHT, at=services.now())

    assert await Passwords(api.database, Argon2()).is_right(ann, RIGHT)
