import asyncio
import gc
from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest
import pytest_asyncio

from clinx.accounts import tokens, users
from clinx.accounts.authenticate import AWAY, MISS_TTL, STALE, Authenticator, check_model
from clinx.accounts.secret import digest
from clinx.accounts.tokens import Limits, parse_networks
from clinx.domain.identity import Principal, Status
from clinx.errors import ModelNotAllowed, PermissionDenied, TokenDisabled, TokenExpired, Unauthenticated
from clinx.storage import tokens as stored
from clinx.storage.database import Database
from clinx.storage.failures import StorageUnavailable
from clinx.storage.tokens import StoredToken
from support.database import START, Clock, make_token, make_user


@pytest.fixture
def authenticator(database: Database, clock: Clock) -> Authenticator:
    return Authenticator(database, monotonic=clock.monotonic, now=clock.now, capacity=3)


class Questions:
    """Counts what the database is asked, and can hold or fail the answers."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None
        self._find = stored.find

    async def find(self, database: Database, secret_digest: str) -> StoredToken | None:
        self.asked.append(secret_digest)
        await self.gate.wait()
        if self.failure:
            raise self.failure
        return await self._find(database, secret_digest)


@pytest_asyncio.fixture
async def questions(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Questions]:
    watching = Questions()
    monkeypatch.setattr(stored, "find", watching.find)
    yield watching


async def test_a_secret_makes_a_principal(database: Database, authenticator: Authenticator):
    user = await make_user(database, group="vip")
    issued = await make_token(database, user)

    assert await authenticator.authenticate(issued.secret, None) == Principal(user, issued.token, "vip")


async def test_a_tokens_group_replaces_its_users(database: Database, authenticator: Authenticator):
    issued = await make_token(database, await make_user(database), limits=Limits(group="batch"))

    assert (await authenticator.authenticate(issued.secret, None)).group == "batch"


@pytest.mark.parametrize("secret", [None, ""])
async def test_no_credential_says_where_to_put_one(authenticator: Authenticator, secret: str | None):
    with pytest.raises(Unauthenticated, match="No API key") as caught:
        await authenticator.authenticate(secret, None)

    assert caught.value.hint == "Send it as `Authorization: Bearer sk-…`, `x-api-key` or `x-goog-api-key`."


@pytest.mark.parametrize(
    "change", [lambda s: s[:-1], lambda s: s + "x", lambda s: s.upper(), lambda s: s[3:], str.swapcase]
)
async def test_an_almost_right_secret_is_as_unknown_as_any(database: Database, authenticator: Authenticator, change):
    issued = await make_token(database, await make_user(database))

    messages: set[str] = set()
    for secret in (change(issued.secret), "nonsense", "\ud800", "x" * 100_000):
        with pytest.raises(Unauthenticated) as caught:
            await authenticator.authenticate(secret, None)
        messages.add(f"{caught.value.message} {caught.value.hint}")

    assert messages == {"This API key is not known. Check that it was copied whole."}


async def test_the_database_is_asked_once_and_again_when_the_answer_is_old(
    database: Database, authenticator: Authenticator, clock: Clock, questions: Questions
):
    issued = await make_token(database, await make_user(database))

    for _ in range(3):
        await authenticator.authenticate(issued.secret, None)
    assert len(questions.asked) == 1

    clock.advance(30)
    await authenticator.authenticate(issued.secret, None)
    assert len(questions.asked) == 2


async def test_many_at_once_ask_once(database: Database, authenticator: Authenticator, questions: Questions):
    issued = await make_token(database, await make_user(database))

    principals = await asyncio.gather(*(authenticator.authenticate(issued.secret, None) for _ in range(50)))

    assert len(questions.asked) == 1
    assert {p.token.id for p in principals} == {issued.token.id}


async def test_whoever_asks_may_leave_without_taking_the_others_along(
    database: Database, authenticator: Authenticator, questions: Questions
):
    issued = await make_token(database, await make_user(database))
    questions.gate.clear()
    waiting = [asyncio.ensure_future(authenticator.authenticate(issued.secret, None)) for _ in range(3)]  # noqa: TID251  (to cancel)
    await asyncio.sleep(0)
    waiting[0].cancel()
    questions.gate.set()

    answers = await asyncio.gather(*waiting, return_exceptions=True)

    assert [type(answer) for answer in answers] == [asyncio.CancelledError, Principal, Principal]
    assert len(questions.asked) == 2


async def test_a_failing_database_fails_everybody_and_is_asked_anew(
    database: Database, authenticator: Authenticator, questions: Questions
):
    issued = await make_token(database, await make_user(database))
    questions.failure = StorageUnavailable("away")
    questions.gate.clear()
    asyncio.get_running_loop().call_later(0, questions.gate.set)

    answers = await asyncio.gather(
        *(authenticator.authenticate(issued.secret, None) for _ in range(3)), return_exceptions=True
    )
    assert answers == [questions.failure] * 3
    assert len(questions.asked) == 1

    questions.failure = None
    assert (await authenticator.authenticate(issued.secret, None)).token == issued.token
    del answers
    gc.collect()  # An exception nobody looked at would be reported here.


async def test_an_unknown_secret_is_remembered_shortly(
    database: Database, authenticator: Authenticator, clock: Clock, questions: Questions
):
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await authenticator.authenticate("sk-guess", None)
    assert len(questions.asked) == 1

    clock.advance(MISS_TTL)
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate("sk-guess", None)
    assert len(questions.asked) == 2


async def test_guessing_does_not_push_out_what_is_known(
    database: Database, authenticator: Authenticator, questions: Questions
):
    issued = await make_token(database, await make_user(database))
    await authenticator.authenticate(issued.secret, None)
    for number in range(100):
        with pytest.raises(Unauthenticated):
            await authenticator.authenticate(f"sk-{number}", None)

    await authenticator.authenticate(issued.secret, None)

    assert questions.asked.count(digest(issued.secret)) == 1
    assert len(authenticator._unknown) == 3


async def test_the_least_recently_used_is_forgotten_first(
    database: Database, authenticator: Authenticator, questions: Questions
):
    user = await make_user(database)
    secrets = [(await make_token(database, user)).secret for _ in range(4)]
    for secret in (*secrets[:3], secrets[0], secrets[3], secrets[0], secrets[1]):
        await authenticator.authenticate(secret, None)

    assert [questions.asked.count(digest(secret)) for secret in secrets] == [1, 2, 1, 1]


async def test_expiry_is_judged_at_each_use(database: Database, authenticator: Authenticator, clock: Clock):
    limits = Limits(expires_at=START + timedelta(seconds=2))
    issued = await make_token(database, await make_user(database), limits=limits)
    await authenticator.authenticate(issued.secret, None)

    clock.advance(1.999999)
    await authenticator.authenticate(issued.secret, None)
    clock.advance(0.000001)
    with pytest.raises(TokenExpired):
        await authenticator.authenticate(issued.secret, None)


async def test_a_revoked_token_is_unknown_at_once_where_it_matters(database: Database, authenticator: Authenticator):
    issued = await make_token(database, await make_user(database))
    await authenticator.authenticate(issued.secret, None)
    await tokens.disable(database, issued.token, at=START)

    with pytest.raises(TokenDisabled):
        await authenticator.authenticate(issued.secret, None, fresh=True)
    with pytest.raises(TokenDisabled):  # What was asked anew is what is remembered.
        await authenticator.authenticate(issued.secret, None)


@pytest.mark.parametrize("how", ["digest", "token", "user"])
async def test_forgetting_makes_the_next_call_ask(database: Database, authenticator: Authenticator, how: str):
    user = await make_user(database)
    issued = await make_token(database, user)
    other = await make_token(database, await make_user(database, "bob"))
    for secret in (issued.secret, other.secret):
        await authenticator.authenticate(secret, None)
    await tokens.disable(database, issued.token, at=START)
    await tokens.disable(database, other.token, at=START)

    match how:
        case "digest":
            authenticator.forget(digest=digest(issued.secret))
        case "token":
            authenticator.forget(token_id=issued.token.id)
        case _:
            authenticator.forget(user_id=user.id)

    with pytest.raises(TokenDisabled):
        await authenticator.authenticate(issued.secret, None)
    assert (await authenticator.authenticate(other.secret, None)).token == other.token


async def test_an_answer_from_before_the_revocation_is_not_remembered(
    database: Database, authenticator: Authenticator, questions: Questions
):
    issued = await make_token(database, await make_user(database))
    questions.gate.clear()
    asking = asyncio.ensure_future(authenticator.authenticate(issued.secret, None))  # noqa: TID251  (in flight)
    await asyncio.sleep(0)
    authenticator.forget(token_id=issued.token.id)
    questions.gate.set()
    await asking

    await authenticator.authenticate(issued.secret, None)

    assert len(questions.asked) == 2


@pytest.mark.parametrize("seconds", [30, STALE - 1])
async def test_a_known_caller_is_known_while_the_database_is_away(
    database: Database, authenticator: Authenticator, clock: Clock, questions: Questions, seconds: float
):
    issued = await make_token(database, await make_user(database))
    known = await authenticator.authenticate(issued.secret, None)
    questions.failure = StorageUnavailable("away")
    clock.advance(seconds)

    assert await authenticator.authenticate(issued.secret, None) == known


async def test_nobody_is_believed_for_longer_than_that(
    database: Database, authenticator: Authenticator, clock: Clock, questions: Questions
):
    issued = await make_token(database, await make_user(database))
    await authenticator.authenticate(issued.secret, None)
    questions.failure = StorageUnavailable("away")
    clock.advance(STALE)

    with pytest.raises(StorageUnavailable):
        await authenticator.authenticate(issued.secret, None)


async def test_an_unknown_caller_is_not_let_in_while_the_database_is_away(
    database: Database, authenticator: Authenticator, clock: Clock, questions: Questions
):
    known = await make_token(database, await make_user(database))
    stranger = await make_token(database, await make_user(database, "bob"))
    await authenticator.authenticate(known.secret, None)
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate("sk-guess", None)
    questions.failure = StorageUnavailable("away")
    clock.advance(30)

    for secret in (stranger.secret, "sk-guess"):
        with pytest.raises(StorageUnavailable):
            await authenticator.authenticate(secret, None)


async def test_asking_afresh_does_not_believe_what_was_known(
    database: Database, authenticator: Authenticator, questions: Questions
):
    issued = await make_token(database, await make_user(database))
    await authenticator.authenticate(issued.secret, None)
    questions.failure = StorageUnavailable("away")

    with pytest.raises(StorageUnavailable):
        await authenticator.authenticate(issued.secret, None, fresh=True)


async def test_known_callers_wait_for_a_database_that_is_away_once_a_second(
    database: Database, authenticator: Authenticator, clock: Clock, questions: Questions
):
    issued = await make_token(database, await make_user(database))
    await authenticator.authenticate(issued.secret, None)
    questions.failure = StorageUnavailable("away")
    clock.advance(30)
    for _ in range(3):
        await authenticator.authenticate(issued.secret, None)
    assert len(questions.asked) == 2

    clock.advance(AWAY)
    await authenticator.authenticate(issued.secret, None)
    assert len(questions.asked) == 3


async def test_a_revocation_is_seen_as_soon_as_the_database_is_back(
    database: Database, authenticator: Authenticator, clock: Clock, questions: Questions
):
    issued = await make_token(database, await make_user(database))
    await authenticator.authenticate(issued.secret, None)
    await tokens.disable(database, issued.token, at=START)
    questions.failure = StorageUnavailable("away")
    clock.advance(30)
    await authenticator.authenticate(issued.secret, None)

    questions.failure = None
    clock.advance(AWAY)
    with pytest.raises(TokenDisabled):
        await authenticator.authenticate(issued.secret, None)


async def test_expiry_and_address_are_judged_during_an_outage_too(
    database: Database, authenticator: Authenticator, clock: Clock, questions: Questions
):
    limits = Limits(expires_at=START + timedelta(seconds=60), networks=parse_networks(["10.0.0.0/8"]))
    issued = await make_token(database, await make_user(database), limits=limits)
    await authenticator.authenticate(issued.secret, "10.0.0.1")
    questions.failure = StorageUnavailable("away")
    clock.advance(59)

    with pytest.raises(PermissionDenied):
        await authenticator.authenticate(issued.secret, "11.0.0.1")
    clock.advance(1)
    with pytest.raises(TokenExpired):
        await authenticator.authenticate(issued.secret, "10.0.0.1")


@pytest.mark.parametrize("how", ["token", "user"])
async def test_what_is_announced_is_forgotten(
    database: Database, authenticator: Authenticator, questions: Questions, how: str
):
    user = await make_user(database)
    issued = await make_token(database, user)
    other = await make_token(database, await make_user(database, "bob"))
    for secret in (issued.secret, other.secret):
        await authenticator.authenticate(secret, None)
    if how == "token":
        await tokens.disable(database, issued.token, at=START)
    else:
        await users.change(database, user, status=Status.DISABLED, at=START)
    ((topic, subject),) = await database.fetch("SELECT topic, subject FROM announcement WHERE topic <> 'funds'")

    authenticator.hear(topic, subject)

    with pytest.raises((TokenDisabled, PermissionDenied)):
        await authenticator.authenticate(issued.secret, None)
    assert (await authenticator.authenticate(other.secret, None)).token == other.token
    assert questions.asked.count(digest(other.secret)) == 1


@pytest.mark.parametrize(
    ("topic", "subject"),
    [("funds", "user:1"), ("recall", "token:1"), ("token", ""), ("token", "x"), ("user", "user:1")],
)
async def test_what_is_announced_about_other_things_is_not_for_here(
    database: Database, authenticator: Authenticator, questions: Questions, topic: str, subject: str
):
    issued = await make_token(database, await make_user(database))
    await authenticator.authenticate(issued.secret, None)

    authenticator.hear(topic, subject)

    await authenticator.authenticate(issued.secret, None)
    assert len(questions.asked) == 1


async def test_a_disabled_user_may_not_pass(database: Database, authenticator: Authenticator):
    user = await make_user(database)
    issued = await make_token(database, user)
    await users.change(database, user, status=Status.DISABLED, at=START)

    with pytest.raises(PermissionDenied):
        await authenticator.authenticate(issued.secret, None)


@pytest.mark.parametrize(
    ("networks", "address", "allowed"),
    [
        (["10.0.0.0/8"], "10.1.2.3", True),
        (["10.0.0.0/8"], "11.1.2.3", False),
        (["10.0.0.0/8"], "::ffff:10.1.2.3", True),
        (["10.0.0.0/8"], "::ffff:11.1.2.3", False),
        (["::ffff:0:0/96"], "::ffff:11.1.2.3", True),
        (["192.0.2.7"], "192.0.2.7", True),
        (["192.0.2.7"], "192.0.2.8", False),
        (["2001:db8::/32"], "2001:db8::1", True),
        (["fe80::/10"], "fe80::1%eth0", True),
        (["10.0.0.0/8", "2001:db8::/32"], "2001:db8::1", True),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["0.0.0.0/0"], None, False),
        (["0.0.0.0/0"], "", False),
        (["0.0.0.0/0"], "unix", False),
        (["0.0.0.0/0"], "10.0.0.1, 10.0.0.2", False),
        (["0.0.0.0/0"], "010.0.0.1", False),
        ([], None, True),
    ],
)
async def test_addresses(
    database: Database, authenticator: Authenticator, networks: list[str], address: str | None, allowed: bool
):
    issued = await make_token(database, await make_user(database), limits=Limits(networks=parse_networks(networks)))

    if allowed:
        assert (await authenticator.authenticate(issued.secret, address)).token == issued.token
    else:
        with pytest.raises(PermissionDenied, match="address"):
            await authenticator.authenticate(issued.secret, address)


async def test_models_a_token_is_restricted_to(database: Database, authenticator: Authenticator):
    user = await make_user(database)
    open_token = await make_token(database, user)
    narrow = await make_token(database, user, limits=Limits(models=frozenset({"gpt-4o", "gpt-4o-mini"})))

    check_model(await authenticator.authenticate(open_token.secret, None), "anything")
    principal = await authenticator.authenticate(narrow.secret, None)
    check_model(principal, "gpt-4o")
    with pytest.raises(ModelNotAllowed) as caught:
        check_model(principal, "o3")

    assert (caught.value.hint, caught.value.param) == ("It may use: gpt-4o, gpt-4o-mini.", "model")


async def test_a_group_is_told_to_whoever_only_wants_that(
    database: Database, authenticator: Authenticator, questions: Questions
):
    issued = await make_token(database, await make_user(database, group="vip"), limits=Limits(group="batch"))

    assert await authenticator.group(issued.secret) == "batch"
    assert (await authenticator.authenticate(issued.secret, None)).group == "batch"
    assert len(questions.asked) == 1
    assert await authenticator.group("sk-unknown") is None
    assert await authenticator.group("x" * 1000) is None


async def test_a_group_that_cannot_be_asked_for_is_nobodys(authenticator: Authenticator, questions: Questions):
    questions.failure = StorageUnavailable("away", where="here")

    assert await authenticator.group("sk-unknown") is None
