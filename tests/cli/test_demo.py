import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clinx.accounts import tokens, users
from clinx.accounts.failures import AccountError
from clinx.accounts.passwords import Passwords
from clinx.billing import statement, topup
from clinx.billing.topup import Cause
from clinx.cli.demo import CREDIT, USER, is_first_try, issue_demo_key, print_welcome
from clinx.domain.identity import Role
from clinx.domain.money import ZERO, Amount
from support.fake_upstream import FakeUpstream
from support.gateway import Running, chat, completion, running_gateway, tree_for


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        server.answers(json=completion())
        yield server


@pytest.fixture
async def gateway(tmp_path: Path, upstream: FakeUpstream) -> AsyncIterator[Running]:
    async with running_gateway(tmp_path, tree_for(upstream.url), watch=False) as running:
        yield running


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


async def ask(gateway: Running, key: str) -> int:
    return (await gateway.post("/v1/chat/completions", chat("per-call"), key=key))[0]


async def total(gateway: Running) -> Amount:
    return (await gateway.balance(await users.find(gateway.gateway.database, USER))).total


async def test_the_key_works_for_a_week_on_a_credit_of_five(gateway: Running) -> None:
    at = now()

    key = await issue_demo_key(gateway.gateway, at=at)

    user = await users.find(gateway.gateway.database, USER)
    [token] = await tokens.of_user(gateway.gateway.database, user)
    assert (token.name, token.expires_at) == ("demo", at + timedelta(days=7))
    assert await total(gateway) == CREDIT == Amount.parse("5")
    assert await ask(gateway, key) == 200


async def test_the_next_start_has_a_key_of_its_own_and_fills_up_what_was_spent(gateway: Running) -> None:
    first = await issue_demo_key(gateway.gateway, at=now())
    assert await ask(gateway, first) == 200
    spent = await total(gateway)

    second = await issue_demo_key(gateway.gateway, at=now() + timedelta(seconds=1))

    assert spent == Amount.parse("4.99")
    assert await total(gateway) == Amount.parse("5")
    assert await gateway.sum_of_entries() == ZERO
    assert (await ask(gateway, first), await ask(gateway, second)) == (401, 200)


async def test_only_the_key_of_the_start_before_is_replaced(gateway: Running) -> None:
    database = gateway.gateway.database
    await issue_demo_key(gateway.gateway, at=now())
    user = await users.find(database, USER)
    other = await tokens.issue(database, user, "laptop", at=now())

    await issue_demo_key(gateway.gateway, at=now() + timedelta(seconds=1))

    assert sorted(token.name for token in await tokens.of_user(database, user)) == ["demo", "laptop"]
    assert await ask(gateway, other.secret) == 200


async def test_a_demo_user_who_has_more_keeps_it(gateway: Running) -> None:
    database = gateway.gateway.database
    user = await users.create(database, USER, at=now(), group="vip")
    await topup.grant(database, user, Amount.parse("7"), Cause("test", "test", "1"), at=now())

    await issue_demo_key(gateway.gateway, at=now())

    assert await total(gateway) == Amount.parse("7")
    assert (await users.find(database, USER)).group == "vip"
    assert len(await statement.entries(database, user)) == 1


async def test_the_first_start_says_how_to_make_a_user(gateway: Running, capsys: pytest.CaptureFixture[str]) -> None:
    await print_welcome(gateway.gateway, demo=False)

    out, err = capsys.readouterr()
    revision = gateway.gateway.current.snapshot.revision.id
    assert out == ""
    assert err.startswith(f"\n  Clinx {revision} at {gateway.url}\n")
    assert "clinx user create alice" in err
    with pytest.raises(AccountError):
        await users.find(gateway.gateway.database, USER)


async def test_the_first_start_prints_a_password_of_root_that_lets_in(
    gateway: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    await print_welcome(gateway.gateway, demo=False)

    database = gateway.gateway.database
    [password] = re.findall(r"^    root (\S+)$", capsys.readouterr().err, re.MULTILINE)
    root = await users.find(database, "root")
    assert root.role is Role.ROOT
    assert await Passwords(database).is_right(root, password)


async def test_a_start_with_users_says_only_where_it_listens(
    gateway: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    await gateway.user()
    await print_welcome(gateway.gateway, demo=False)
    capsys.readouterr()

    await print_welcome(gateway.gateway, demo=False)

    revision = gateway.gateway.current.snapshot.revision.id
    assert capsys.readouterr() == ("", f"\n  Clinx {revision} at {gateway.url}\n")


async def test_a_demonstration_prints_a_key_that_works_and_a_model_that_exists(
    gateway: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    await print_welcome(gateway.gateway, demo=True)

    out, err = capsys.readouterr()
    [key] = set(re.findall(r"sk-\w+", err))
    assert out == ""
    assert f"OPENAI_BASE_URL={gateway.url}/v1 OPENAI_API_KEY={key}" in err
    assert re.findall(r'"model": "([^"]*)"', err) == ["fake-model"]
    assert await ask(gateway, key) == 200


@pytest.mark.parametrize(
    ("models", "named"),
    [
        ("{a: {price: free}, echo: {price: free}}", "echo"),
        ('{"gpt-*": {price: free}, b: {price: free}}', "b"),
        ("{}", "MODEL"),
    ],
)
async def test_the_model_that_is_named_is_one_that_can_be_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], models: str, named: str
) -> None:
    text = f"version: 1\nmodels: {models}\n"
    async with running_gateway(tmp_path, {"gateway.yaml": text}, watch=False) as gateway:
        await print_welcome(gateway.gateway, demo=True)

    assert re.findall(r'"model": "([^"]*)"', capsys.readouterr().err) == [named]


async def test_the_example_issues_a_key_by_itself_only_over_a_database_nobody_uses(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, {}) as gateway:
        first = await is_first_try(gateway.gateway)
        await issue_demo_key(gateway.gateway, at=datetime.now(UTC))
        again = await is_first_try(gateway.gateway)
        await gateway.user()
        in_use = await is_first_try(gateway.gateway)

    assert (first, again, in_use) == (True, True, False)


async def test_a_tree_of_one_s_own_never_issues_a_key_by_itself(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, {"gateway.yaml": "version: 1\n"}) as gateway:
        assert not await is_first_try(gateway.gateway)
