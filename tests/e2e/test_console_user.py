"""The life of a user, by a client that is generated from the schema: from the first letter to the last session."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import json
import os
import re
import shutil
import subprocess
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openai
import pytest
from pyotp.totp import TOTP

from clinx.domain.identity import Role
from support.console import Console, running_console
from support.console_client import generator
from support.console_client.following import News, following
from support.console_client.operations import (
    Api,
    Call,
    CodeBatchCreateInput,
    CodeRedeemInput,
    EmailVerifyInput,
    EntryKind,
    ExportFormat,
    FactorKind,
    RegisterInput,
    RequestLogFilter,
    SignInFinishInput,
    SignInInput,
    TokenCreateInput,
    TokenLimitsInput,
    TotpConfirmInput,
    TotpSetupInput,
)
from support.console_client.transport import Browser, OperationFailed
from support.fake_upstream import FakeUpstream
from support.gateway import completion
from support.mail_server import MailServer

PASSWORD = "a long walk in the rain"
MESSAGES: Any = [{"role": "user", "content": "Say hello."}]
CHARGE = Decimal("0.000015")
"""Of nine tokens in at 1 a million, and three out at 2."""
SECTION = """\
console:
  name: Example
  url: https://console.example.org
  registration: {{open: true, email: required}}
  mail: {{host: 127.0.0.1, port: {port}, security: none, from: Example <no-reply@example.org>}}
"""
QUOTE = (("INPUT", 9, "1", 1_000_000), ("OUTPUT", 3, "2", 1_000_000))
"""Unit, count, rate, and what the rate is for."""
CLIENT = generator.ROOT / "console"
IS_INSTALLED = shutil.which("node") is not None and (CLIENT / "node_modules").is_dir()


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        server.answers(json=completion("Hello!", input_tokens=9, output_tokens=3))
        yield server


@pytest.fixture
async def mails() -> AsyncIterator[MailServer]:
    async with MailServer() as server:
        yield server


@pytest.fixture
async def console(
    tmp_path: Path, upstream: FakeUpstream, mails: MailServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Console]:
    monkeypatch.setenv("UPSTREAM_KEY", "sk-upstream")
    section = SECTION.format(port=mails.port)
    async with running_console(tmp_path, upstream=upstream.url, section=section) as running:
        yield running


def browser(console: Console) -> Browser:
    return Browser(console.gateway.url, console.gateway.session)


async def secret_of_letter(mails: MailServer) -> str:
    """Wait for the letter and return what its link carries."""
    async with asyncio.timeout(10):
        while not mails.received:  # noqa: ASYNC110  (the server tells nobody)
            await asyncio.sleep(0)
    part = mails.received[0].message.get_body(("plain",))
    assert part is not None
    found = re.search(r"https://console\.example\.org/verify-email#token=(\S+)", part.get_content())
    assert found is not None
    return found[1]


async def code_worth(console: Console, amount: str) -> str:
    """Have an operator make a code."""
    root = await console.person("root-1", role=Role.ROOT)
    api = Api(Browser(console.gateway.url, console.gateway.session, root.cookie))
    made = await api.code_batch_create(
        CodeBatchCreateInput(amount=Decimal(amount), count=1, idempotency_key="batch-1", name="welcome")
    )
    assert made.errors == ()
    assert made.codes is not None
    return made.codes[0]


async def call(console: Console, key: str) -> str:
    """Call the relay by the official SDK; return the request's id."""
    async with openai.AsyncOpenAI(base_url=f"{console.gateway.url}/v1", api_key=key, max_retries=0, timeout=10) as sdk:
        answer = await sdk.chat.completions.with_raw_response.create(model="fake-model", messages=MESSAGES)
    assert answer.parse().choices[0].message.content == "Hello!"
    return answer.headers["x-request-id"]


async def calls(api: Api) -> AsyncGenerator[Call]:
    """Follow calls one by one."""
    async with contextlib.aclosing(api.request_log_tail()) as tail:
        async for news in tail:
            assert news.missed == 0
            for each in news.logs:
                yield each


async def knock(console: Console, key: str, tail: News[Call]) -> None:
    """Make calls until one is seen: from then on all are."""
    await call(console, key)
    while await tail.next_within(1) is None:
        await call(console, key)


async def found(tail: News[Call], request_id: str) -> Call:
    while (log := await tail.next()).request_id != request_id:
        pass
    return log


def lately(**more: Any) -> RequestLogFilter:
    now = datetime.now(UTC)
    return RequestLogFilter(since=now - timedelta(hours=1), until=now + timedelta(hours=1), **more)


async def registered(console: Console, mails: MailServer) -> Api:
    """Register, verify and sign in."""
    ann = Api(browser(console))
    made = await ann.register(RegisterInput(name="ann", password=PASSWORD, email="ann@example.org"))
    assert (made.must_verify, made.viewer, made.errors) == (True, None, ())
    early = await ann.sign_in(SignInInput(login="ann", password=PASSWORD))
    assert [error.code for error in early.errors] == ["email_unverified"]
    assert (await ann.email_verify(EmailVerifyInput(secret=await secret_of_letter(mails)))).done
    entered = await ann.sign_in(SignInInput(login="ann@example.org", password=PASSWORD))
    assert entered.viewer is not None
    assert entered.viewer.user.name == "ann"
    return ann


async def token_of(ann: Api) -> str:
    limits = TokenLimitsInput(models=("fake-model",))
    made = await ann.token_create(TokenCreateInput(idempotency_key="token-1", name="laptop", limits=limits))
    assert made.token is not None
    assert made.secret is not None
    assert (made.token.name, made.token.models, made.errors) == ("laptop", ("fake-model",), ())
    repeated = await ann.token_create(TokenCreateInput(idempotency_key="token-1", name="laptop", limits=limits))
    assert repeated.token is not None
    assert (repeated.token.id, repeated.secret) == (made.token.id, None)
    return made.secret


async def total(console: Console, ann: Api) -> Decimal:
    """Return the balance, all calls paid."""
    await console.gateway.settled()
    me = await ann.me()
    assert me is not None
    return me.balance.total


def client(api: Api) -> Browser:
    assert isinstance(api.transport, Browser)
    return api.transport


async def test_a_stranger_registers_and_the_account_waits_for_the_letter(console: Console, mails: MailServer) -> None:
    ann = await registered(console, mails)

    me = await ann.me()

    assert me is not None
    assert (me.user.name, me.user.email, me.user.group, me.balance.total) == ("ann", "ann@example.org", "default", 0)
    assert me.user.email_verified_at is not None
    assert [(session.method, session.is_current) for session in me.sessions or ()] == [("password", True)]


async def test_an_app_is_asked_for_at_the_next_sign_in(console: Console, mails: MailServer) -> None:
    ann = await registered(console, mails)
    setup = await ann.totp_setup(TotpSetupInput(name="phone"))
    assert setup.id is not None
    assert setup.secret is not None
    app, now = TOTP(setup.secret), datetime.now(UTC)
    confirmed = await ann.totp_confirm(TotpConfirmInput(id=setup.id, code=app.at(now)))
    assert confirmed.factor is not None
    assert (confirmed.factor.kind, confirmed.factor.name) == (FactorKind.TOTP, "phone")
    assert confirmed.backup_codes is not None
    assert len(confirmed.backup_codes) == 10
    assert (await ann.sign_out()).done
    assert await ann.me() is None

    asked = await ann.sign_in(SignInInput(login="ann", password=PASSWORD))

    assert (asked.viewer, set(asked.factors)) == (None, {FactorKind.TOTP, FactorKind.BACKUP})
    assert asked.challenge is not None
    used = await ann.sign_in_finish(finish(asked.challenge, app.at(now)))
    assert [error.code for error in used.errors] == ["factor_refused"], "a code counts once"
    entered = await ann.sign_in_finish(finish(asked.challenge, app.at(now, counter_offset=1)))
    assert entered.viewer is not None
    me = await ann.me()
    assert me is not None
    assert me.second_factors is not None
    assert (me.second_factors.kinds, me.second_factors.backup_codes) == ((FactorKind.TOTP, FactorKind.BACKUP), 10)


def finish(challenge: str, code: str) -> SignInFinishInput:
    return SignInFinishInput(challenge=challenge, code=code, kind=FactorKind.TOTP)


async def test_a_call_is_seen_at_once_and_costs_what_its_quote_says(console: Console, mails: MailServer) -> None:
    ann, code = await registered(console, mails), await code_worth(console, "5")
    redeemed = await ann.code_redeem(CodeRedeemInput(code=code))
    assert (redeemed.amount, redeemed.errors) == (Decimal(5), ())
    key = await token_of(ann)
    async with following(ann.balance_changed()) as balances, following(calls(ann)) as tail:
        assert (await balances.next()).total == Decimal(5)
        await knock(console, key, tail)
        before = await total(console, ann)

        log = await found(tail, await call(console, key))

        assert (log.model, log.outcome, log.input_tokens, log.output_tokens) == ("fake-model", "ok", 9, 3)
        assert log.token is not None
        assert (log.token.name, log.charge) == ("laptop", CHARGE)
        assert log.quote is not None
        assert tuple((line.unit, line.count, line.listed, line.per) for line in log.quote.lines) == QUOTE
        assert (log.quote.factors, log.quote.total, log.quote.is_whole) == ((), CHARGE, True)
        while (await balances.next()).total != before - CHARGE:
            pass
    assert await total(console, ann) == before - CHARGE
    entries = (await ann.ledger_entries(1)).edges
    assert [(entry.node.kind, entry.node.amount) for entry in entries] == [(EntryKind.CHARGE, -CHARGE)]
    assert entries[0].node.request_id == log.request_id


async def test_a_websocket_carries_the_same_operations(console: Console, mails: MailServer) -> None:
    ann, code = await registered(console, mails), await code_worth(console, "5")
    await ann.code_redeem(CodeRedeemInput(code=code))
    key = await token_of(ann)
    async with client(ann).conversation() as conversation:
        socket = Api(conversation)
        assert (await socket.request_logs(10, lately())).edges == ()
        async with following(calls(socket)) as tail:
            await knock(console, key, tail)

            log = await found(tail, await call(console, key))

    assert (log.model, log.outcome, log.charge) == ("fake-model", "ok", CHARGE)


async def test_calls_are_exported(console: Console, mails: MailServer) -> None:
    ann, code = await registered(console, mails), await code_worth(console, "5")
    await ann.code_redeem(CodeRedeemInput(code=code))
    called = await call(console, await token_of(ann))
    await console.gateway.settled()

    listed = (await ann.request_logs(10, lately())).edges
    kind, content = await client(ann).download(await ann.request_log_export_url(lately(), ExportFormat.CSV))

    assert [edge.node.request_id for edge in listed] == [called]
    assert kind == "text/csv; charset=utf-8"
    [row] = csv.DictReader(io.StringIO(content.decode()))
    assert (row["request_id"], row["model"], row["outcome"], Decimal(row["charge"])) == (
        called,
        "fake-model",
        "ok",
        CHARGE,
    )
    stranger = browser(console)
    with pytest.raises(OperationFailed) as refused:
        await stranger.download(await ann.request_log_export_url(lately(), ExportFormat.CSV))
    assert refused.value.code == "unauthenticated"


async def test_signing_out_everywhere_ends_what_is_followed_too(console: Console, mails: MailServer) -> None:
    ann, elsewhere = await registered(console, mails), Api(browser(console))
    await elsewhere.sign_in(SignInInput(login="ann", password=PASSWORD))
    async with following(elsewhere.balance_changed()) as balances:
        assert (await balances.next()).total == 0

        assert (await ann.sign_out_everywhere()).done

        ended = await balances.ended()
    assert isinstance(ended, OperationFailed)
    assert ended.code == "unauthenticated"
    assert (await ann.me(), await elsewhere.me()) == (None, None)
    with pytest.raises(OperationFailed) as refused:
        await elsewhere.request_logs(1, lately())
    assert refused.value.code == "unauthenticated"


def test_the_python_client_is_what_the_schema_and_the_operations_make() -> None:
    made = generator.generate(generator.SCHEMA.read_text(), generator.OPERATIONS.read_text())

    assert generator.TARGET.read_text() == made, "run tests/support/console_client/generator.py"


@pytest.mark.skipif(not IS_INSTALLED, reason="needs node and console/node_modules (npm ci in console/)")
def test_the_typescript_client_is_what_the_schema_and_the_operations_make() -> None:
    ran = subprocess.run(["npm", "run", "--silent", "check"], cwd=CLIENT, capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.skipif(not IS_INSTALLED, reason="needs node and console/node_modules (npm ci in console/)")
async def test_the_typescript_client_lives_the_same_life(console: Console, mails: MailServer, tmp_path: Path) -> None:
    await registered(console, mails)
    given = {
        "CLINX_URL": console.gateway.url,
        "CLINX_LOGIN": "ann",
        "CLINX_PASSWORD": PASSWORD,
        "CLINX_CODE": await code_worth(console, "5"),
        "CLINX_MODEL": "fake-model",
    }
    built = ["node_modules/.bin/tsc", "--outDir", str(tmp_path / "built")]
    await succeeded(built, {})
    (tmp_path / "built" / "package.json").write_text('{"type": "module"}')

    lived = json.loads(await succeeded(["node", str(tmp_path / "built" / "life.js")], given))

    assert lived == {
        "name": "ann",
        "redeemed": "5",
        "token": "laptop",
        "said": "Hello!",
        "charge": "0.000015",
        "quote": ["0.000009", "0.000006"],
        "listed": True,
        "tokens": ["laptop"],
        "refused": {
            "code": "page_too_large",
            "parameters": {"most": 200},
            "path": ["requestLogs"],
            "isNamed": True,
        },
        "signedOut": True,
    }


async def succeeded(command: list[str], environment: dict[str, str]) -> str:
    """Run a program of the TypeScript client; return what it wrote."""
    running = await asyncio.create_subprocess_exec(
        *command,
        cwd=CLIENT,
        env={"PATH": os.environ["PATH"], **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(120):
        out, err = await running.communicate()
    assert running.returncode == 0, f"{out.decode()}{err.decode()}"
    return out.decode()
