"""The rest of what is refused before it is an operation stands in ``test_abuse``."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from clinx.graphql import view
from clinx.graphql.view import HEADERS
from clinx.storage.failures import StorageUnavailable
from support.abuse import NAME, Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

REGISTER = """mutation ($input: RegisterInput!) {
  register(input: $input) { errors { code } viewer { user { name } } }
}"""


async def test_an_operation_is_answered_with_what_it_cost_and_a_request_id(town: Town) -> None:
    told = await town.ask(NAME)

    assert told.status == 200
    assert told.body == {
        "data": {"viewer": {"user": {"name": "user"}}},
        "extensions": {"cost": 3, "requestId": told.headers["x-request-id"]},
    }
    assert told.headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("body", [json.dumps({"query": NAME}), "no operation"])
async def test_no_answer_is_kept_framed_or_guessed_at(town: Town, body: str) -> None:
    told = await town.send(body)

    assert {name: told.headers[name] for name in HEADERS} == HEADERS
    assert HEADERS["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "Set-Cookie" not in told.headers


async def test_a_sign_in_gives_the_browser_a_session_that_scripts_do_not_see(town: Town) -> None:
    given = {"input": {"name": "newcomer", "password": "correct horse battery staple"}}

    told = await town.ask(REGISTER, given, who=town.stranger)

    assert told.body["data"]["register"] == {"errors": [], "viewer": {"user": {"name": "newcomer"}}}
    cookie, *attributes = told.headers["Set-Cookie"].split("; ")
    assert cookie.startswith("clinx=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
    asked = await town.send(json.dumps({"query": NAME}), {"Cookie": cookie}, who=town.stranger)
    assert asked.body["data"]["viewer"]["user"]["name"] == "newcomer"


async def test_signing_out_takes_the_cookie_away(town: Town) -> None:
    assert town.user.user is not None
    visitor = await town.console.signed_in(town.user.user)

    told = await town.ask("mutation { signOut { done } }", who=visitor)

    assert told.body["data"] == {"signOut": {"done": True}}
    assert told.headers["Set-Cookie"].startswith('clinx=""')
    assert (await town.ask(NAME, who=visitor)).body["data"] == {"viewer": None}


async def test_a_page_of_an_allowed_origin_may_ask_first(town: Town) -> None:
    origin = town.console.gateway.url
    headers = {"Origin": origin, "Access-Control-Request-Headers": "content-type"}
    async with town.stranger.session.options(town.url, headers=headers) as response:
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == origin
        assert response.headers["Access-Control-Allow-Credentials"] == "true"
        assert response.headers["Access-Control-Allow-Methods"] == "POST, OPTIONS"
        assert response.headers["Access-Control-Allow-Headers"] == "content-type"
        assert response.headers["Vary"] == "Origin"
        assert response.headers["Server"] == "clinx"


async def test_the_cookie_of_a_session_that_is_over_is_taken_away_and_signing_out_of_it_succeeds(town: Town) -> None:
    visitor = replace(town.stranger, cookie="of-long-ago")

    told = await town.ask("{ viewer { user { name } } sessions: users(first: 1) { edges { cursor } } }", who=visitor)
    out = await town.ask("mutation { signOut { done errors { code } } }", who=visitor)

    assert told.headers["Set-Cookie"].startswith('clinx=""')
    assert told.body["errors"][0]["extensions"] == {"code": "unauthenticated", "parameters": {"session": "ended"}}
    assert out.body["data"] == {"signOut": {"done": True, "errors": []}}
    assert out.headers["Set-Cookie"].startswith('clinx=""')


async def test_what_takes_too_long_is_given_up(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(*_: Any, **__: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(view, "SECONDS", 0.05)
    monkeypatch.setattr("clinx.storage.user_lists.page", endless)

    told = await town.ask("{ users(first: 1) { edges { cursor } } }", who=town.admin)

    assert told.verdict == (504, ["timeout"])


async def test_a_defect_is_masked_and_logged_with_the_request_s_id(
    town: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise KeyError("secret-of-ours")

    monkeypatch.setattr("clinx.storage.user_lists.page", broken)
    told = await town.ask("{ users(first: 1) { edges { cursor } } }", who=town.admin)

    assert told.verdict == (200, ["internal"])
    assert "secret-of-ours" not in json.dumps(told.body)
    [record] = [each for each in caplog.records if each.levelno >= logging.ERROR]
    request_id = told.headers["x-request-id"]
    assert (record.message, record.id) == ("graphql.failed", request_id)  # pyright: ignore[reportAttributeAccessIssue]
    assert told.body["errors"][0]["extensions"]["requestId"] == request_id


async def test_while_the_database_is_away_nobody_is_known(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: Any, **__: Any) -> None:
        raise StorageUnavailable("the database is away")

    monkeypatch.setattr("clinx.accounts.sessions.find", away)

    told = await town.ask(NAME)

    assert (told.status, told.codes) == (503, [StorageUnavailable.code])
