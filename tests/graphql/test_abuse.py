"""What is sent to break the console: each is refused with a stable code, and none is a defect."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from graphql.validation.rules import overlapping_fields_can_be_merged as overlapping
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import mutations, nodes, queries

from clinx.accounts import access_keys
from clinx.accounts.sessions import Sessions
from clinx.graphql import view
from clinx.graphql.ids import to_id
from clinx.graphql.limits import Meter
from clinx.graphql.operation import MOST_TEXT
from clinx.graphql.permissions import Permission
from clinx.graphql.schema import printed, schema
from support.abuse import COUNT, NAME, Told, Town
from support.abuse import each_town as town

__all__ = ["town"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

INTROSPECTION = "{ __schema { types { name } } }"
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
USERS = "{ users(first: %s) { edges { cursor } } }"


@pytest.fixture(autouse=True)
def _no_defect(caplog: pytest.LogCaptureFixture):
    """A refusal is foreseen: nothing of it is in the log of failures."""
    yield
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []


def nested_fragments(count: int) -> str:
    """Fragments that each ask twice for the next: a few hundred bytes, and two to the power of ``count`` fields."""
    last = f"fragment F{count} on Query {{ __typename }}"
    others = (f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(1, count))
    return " ".join(["{ ...F1 }", *others, last])


# Documents that are too much.


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("{a" * 13 + "}" * 13, "query_too_complex", id="13 levels"),
        pytest.param("{a" * 150 + "}" * 150, "query_too_complex", id="150 levels"),
        pytest.param("{a" * 900 + "}" * 900, "invalid_request", id="more levels than a parser takes"),
        pytest.param("{viewer{user{name(a:" + "[" * 900 + "]" * 900 + ")}}}", "invalid_request", id="a deep value"),
        pytest.param("{" + "".join(f"a{n}:__typename " for n in range(31)) + "}", "query_too_complex", id="31 aliases"),
        pytest.param("{...A} fragment A on Query{...B} fragment B on Query{...A}", "query_too_complex", id="a cycle"),
        pytest.param("{__typename} fragment A on Query{...A}", "query_too_complex", id="an unused cycle"),
        pytest.param("{__typename} fragment A on Query{__typename}", "invalid_request", id="an unused fragment"),
        pytest.param(
            "{__typename}" + "".join(f"fragment F{n} on Query{{__typename}}" for n in range(21)),
            "query_too_complex",
            id="21 fragments",
        ),
        pytest.param(
            "{viewer" + " @skip(if: false)" * 1000 + "{user{name}}}", "invalid_request", id="1,000 directives"
        ),
        pytest.param("{viewer" + " @a" * 900 + "{user{name}}}", "invalid_request", id="900 unknown directives"),
        pytest.param("{" + "__typename " * 2001 + "}", "invalid_request", id="2,001 words"),
        pytest.param("{...@defer{viewer{user{name}}}}", "invalid_request", id="@defer"),
        pytest.param("{signInOptions{providers@stream{name}}}", "invalid_request", id="@stream"),
        pytest.param('{user(id:"\\ud800"){name}}', "invalid_request", id="a lone surrogate"),
        pytest.param('{user(id:"\\u0000"){name}}', "invalid_value", id="NUL"),
        pytest.param('{user(id:"\\u{0}"){name}}', "invalid_value", id="NUL in the other spelling"),
        pytest.param("}{", "invalid_request", id="no document"),
    ],
)
async def test_a_document_that_is_too_much_is_not_executed(town: Town, text: str, code: str) -> None:
    told = await town.ask(text)

    assert told.verdict == (200, [code])
    assert told.body["data"] is None


async def test_nested_fragments_are_each_visited_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    visits: list[str] = []
    fragment = Meter.fragment
    monkeypatch.setattr(Meter, "fragment", lambda meter, name: visits.append(name) or fragment(meter, name))
    compared: list[Any] = []
    find_conflict = overlapping.find_conflict
    monkeypatch.setattr(
        overlapping, "find_conflict", lambda *values: compared.append(values[1]) or find_conflict(*values)
    )

    told = await town.ask(nested_fragments(18))

    assert told.codes == ["query_too_expensive"]
    assert len(visits) == 1 + 2 * 17 + 18, "one for the operation, two in each fragment, and one for each by itself"
    assert compared == []


async def test_what_costs_nothing_but_is_compared_field_by_field_has_an_end_as_well(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = 0
    find_conflict = overlapping.find_conflict

    def counting(*values: Any) -> Any:
        nonlocal compared
        compared += 1
        return find_conflict(*values)

    monkeypatch.setattr(overlapping, "find_conflict", counting)

    told = await town.ask("{viewer{user{" + "name " * 1900 + "}}}")

    assert told.codes == ["invalid_request"]
    assert compared < 260_000


async def test_a_document_is_not_as_long_as_a_body_may_be(town: Town) -> None:
    assert (await town.ask(NAME.ljust(MOST_TEXT))).verdict == (200, [])
    assert (await town.ask(NAME.ljust(MOST_TEXT + 1))).verdict == (400, ["invalid_request"])


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ("-1", "invalid_value"),
        ("0", "invalid_value"),
        ("101", "page_too_large"),
        (str(2**40), "query_too_expensive"),
        ("9" * 5000, "query_too_expensive"),
        ("1e9", "invalid_request"),
        ('"1"', "invalid_request"),
        ("null", "invalid_request"),
    ],
)
async def test_a_page_that_is_too_large_or_none_is_refused_where_it_is_written(
    town: Town, first: str, code: str
) -> None:
    assert (await town.ask(USERS % first, who=town.admin)).verdict == (200, [code])


@pytest.mark.parametrize(
    ("first", "code"),
    [
        (-1, "invalid_value"),
        (101, "page_too_large"),
        (2**40, "query_too_expensive"),
        (-(2**40), "invalid_request"),
        (2**80, "query_too_expensive"),
        (1.5, "invalid_request"),
        (True, "invalid_request"),
        ("1", "invalid_request"),
        ([1], "invalid_request"),
        (None, "invalid_request"),
    ],
)
async def test_a_page_that_is_too_large_or_none_is_refused_in_a_variable(town: Town, first: Any, code: str) -> None:
    assert (await town.ask(COUNT, {"first": first}, who=town.admin)).verdict == (200, [code])


# What the schema holds.

HIDDEN = [
    INTROSPECTION,
    '{ __type(name: "User") { name } }',
    "{ a: __schema { types { name } } }",
    "{ ... { __schema { types { name } } } }",
    '{ ...{ ... on Query { __type\n(name: "User") { name } } } }',
    '{ ...F } fragment F on Query { __type,(name: "User") { name } }',
    "{ ...F } fragment F on Query { ...G } fragment G on Query { __schema # {\n { types { name } } }",
    "{ __typename } fragment F on Query { __schema { types { name } } }",
    "query A { __typename } query B { __schema { types { name } } }",
    "{ __schema @include(if: false) { types { name } } }",
]


@pytest.mark.parametrize("text", HIDDEN)
async def test_who_may_not_operate_may_not_introspect_however_it_is_hidden(town: Town, text: str) -> None:
    for who in (town.stranger, town.user):
        told = await town.ask(text, who=who, operationName="A" if "query A" in text else None)

        assert told.verdict == (200, ["forbidden"])
        assert told.body["data"] is None


async def test_operators_introspect(town: Town) -> None:
    told = await town.ask(INTROSPECTION, who=town.admin)

    assert told.codes == []
    assert {"name": "Query"} in told.body["data"]["__schema"]["types"]


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("{ usres { name } }", {}),
        ("{ viewer { usr { name } } }", {}),
        ("{ node(ids: 1) { id } }", {}),
        ("{ __typename @skp(if: true) }", {}),
        ("{ ... on Usr { id } }", {}),
        ("{ users(first: 1, orderBy: NEWST) { edges { cursor } } }", {}),
        ("query ($o: UserOrder!) { users(first: 1, orderBy: $o) { edges { cursor } } }", {"o": "NEWST"}),
    ],
)
async def test_a_slip_is_not_corrected_for_those_who_may_not_introspect(
    town: Town, text: str, variables: dict[str, Any]
) -> None:
    told = await town.ask(text, variables)

    assert told.codes == ["invalid_request"]
    assert "Did you mean" not in json.dumps(told.body)


# Requests that are no operation.


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("query", ["", "?query={viewer{user{name}}}", "?query=mutation{signOut{done}}"])
async def test_nothing_is_done_by_another_method(town: Town, method: str, query: str) -> None:
    async with town.user.session.request(method, town.url + query, headers=town.user.sent) as response:
        body = await response.read()

        assert (response.status, response.headers["Allow"]) == (405, "POST, OPTIONS")
        assert response.headers["Cache-Control"] == "no-store"
    assert method == "HEAD" or json.loads(body)["errors"][0]["extensions"] == {"code": "method_not_allowed"}
    assert (await town.ask(NAME)).body["data"]["viewer"]["user"]["name"] == "user", "still signed in"


@pytest.mark.parametrize("override", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
async def test_a_method_is_not_overridden(town: Town, override: str) -> None:
    assert (await town.send(None, {override: "POST"}, method="GET")).verdict == (405, ["method_not_allowed"])


@pytest.mark.parametrize(
    "kind",
    [
        *("text/plain", "application/x-www-form-urlencoded", "application/graphql", "text/json"),
        *("multipart/form-data; boundary=x", "application/octet-stream", "application/jsonx", ""),
    ],
)
async def test_only_json_is_read(town: Town, kind: str) -> None:
    told = await town.send(json.dumps({"query": NAME}).encode(), {"Content-Type": kind})

    assert told.verdict == (415, ["unsupported_content_type"])


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="a batch of none"),
        pytest.param(json.dumps([{"query": NAME}] * 2).encode(), id="a batch"),
        pytest.param(b'{"query": null}', id="no text"),
        pytest.param(b'{"query": ["{ __typename }"]}', id="several texts"),
        pytest.param(b'{"query": "{ __typename }", "variables": []}', id="variables without names"),
        pytest.param(b'{"query": "{ __typename }", "variables": "{}"}', id="variables in a text"),
        pytest.param(b'{"query": "{ __typename }", "operationName": 1}', id="a name that is none"),
        pytest.param(b'{"query": "{ __typename } # \xff"}', id="invalid UTF-8"),
        pytest.param(b'{"query": "{ __typename } # \\ud800"}', id="a lone surrogate in the text"),
        pytest.param(
            b'{"query": "{ __typename }", "variables": {"a": "\\udfff"}}', id="a lone surrogate in a variable"
        ),
        pytest.param(b'{"query": "{ __typename }", "variables": {"a": NaN}}', id="NaN"),
        pytest.param(b'{"query": "{ __typename }", "variables": {"a": 1e999}}', id="infinity"),
        pytest.param(b'\xef\xbb\xbf{"query": "{ __typename }"}', id="a byte order mark"),
        pytest.param('{"query": "{ __typename }"}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"query": "{ __typename }"', id="half of it"),
        pytest.param(
            b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
            id="100,000 brackets",
        ),
    ],
)
async def test_a_body_that_is_no_operation_is_refused(town: Town, body: bytes) -> None:
    assert (await town.send(body)).verdict == (400, ["invalid_request"])


@pytest.mark.parametrize("depth", [10, 500, 900])
async def test_variables_may_be_nested_and_are_refused_where_they_do_not_fit(town: Town, depth: int) -> None:
    nested = "[" * depth + "]" * depth
    body = f'{{"query": "query ($id: ID!) {{ user(id: $id) {{ name }} }}", "variables": {{"id": {nested}}}}}'

    assert (await town.send(body)).verdict == (200, ["invalid_request"])


@pytest.mark.parametrize("name", ["a\0b", "\0"])
async def test_no_text_of_a_variable_holds_nul(town: Town, name: str) -> None:
    search = "query ($f: UserFilter) { users(first: 1, filter: $f) { edges { cursor } } }"

    assert (await town.ask(search, {"f": {"search": name}}, who=town.admin)).verdict == (200, ["invalid_value"])
    assert (await town.ask(search, {"f": {"search": "a", name: 1}}, who=town.admin)).codes == ["invalid_value"]


async def test_a_body_has_at_most_a_mebibyte_also_when_it_is_unpacked(town: Town) -> None:
    large = b'{"query": "' + b" " * 2**20 + NAME.encode() + b'"}'
    bomb = gzip.compress(b'{"query": "' + b" " * 2**25 + b'"}')

    assert len(bomb) < 2**16
    assert (await town.send(large)).verdict == (413, ["payload_too_large"])
    assert (await town.send(bomb, {"Content-Encoding": "gzip"})).verdict == (413, ["payload_too_large"])


async def test_a_body_may_be_packed_and_must_then_unpack(town: Town) -> None:
    packed = gzip.compress(json.dumps({"query": NAME}).encode())

    assert (await town.send(packed, {"Content-Encoding": "gzip"})).verdict == (200, [])
    assert (await town.send(b"no gzip", {"Content-Encoding": "gzip"})).verdict == (400, ["invalid_request"])


async def test_a_body_that_does_not_arrive_is_not_waited_for(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "SECONDS", 0.05)

    told = await town.raw(b"X-Comment: the last byte never comes", b"Content-Length: 1", body=b"")

    assert told.status == 400, "two lengths are no request"
    assert (await _stalled(town)).verdict == (408, ["request_timeout"])


async def _stalled(town: Town) -> Told:
    async def body():
        yield b'{"query": "'
        await never.wait()

    never = asyncio.Event()
    async with town.user.session.post(
        town.url, data=body(), headers={"Content-Type": "application/json", **town.user.sent}
    ) as response:
        return Told(response.status, response.headers, json.loads(await response.read()))


@pytest.mark.parametrize(
    ("operation", "verdict"),
    [
        ({"query": ""}, (400, ["no_such_operation"])),
        ({"query": "# nothing"}, (200, ["invalid_request"])),
        ({"query": "fragment F on Query { __typename }"}, (400, ["no_such_operation"])),
        ({"query": "query A { __typename }", "operationName": "B"}, (400, ["no_such_operation"])),
        ({"query": "{ __typename }", "operationName": ""}, (400, ["no_such_operation"])),
        ({"query": "query A { __typename } query B { __typename }"}, (200, ["no_such_operation"])),
        ({"query": "query A { __typename } mutation B { signOut { done } }"}, (200, ["no_such_operation"])),
        ({"query": "query A { __typename } query A { __typename }", "operationName": "A"}, (200, ["invalid_request"])),
        ({"query": "query A { __typename } query B { __typename }", "operationName": "B"}, (200, [])),
        ({"query": "subscription { revisionChanged { revision } }"}, (400, ["subscription_not_streamed"])),
    ],
)
async def test_it_must_be_clear_which_operation_is_meant(
    town: Town, operation: dict[str, Any], verdict: tuple[int, list[str]]
) -> None:
    told = await town.send(json.dumps(operation), who=town.admin)

    assert told.verdict == verdict
    assert (await town.ask(NAME, who=town.admin)).body["data"]["viewer"] is not None, "nobody was signed out"


@pytest.mark.parametrize("operation", [{"query": ""}, {"query": "query A { __typename }", "operationName": "B"}])
async def test_and_so_it_must_for_a_stream_which_has_begun_by_then(town: Town, operation: dict[str, str]) -> None:
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream", **town.user.sent}
    async with town.user.session.post(town.url, data=json.dumps(operation), headers=headers) as response:
        events = (await response.read()).decode()

    assert '"code":"no_such_operation"' in events
    assert events.endswith("event: complete\ndata:\n\n")


# Pages of somebody else.


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://["},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_page_of_another_origin_does_nothing_with_a_browser_s_session(
    town: Town, headers: dict[str, str]
) -> None:
    told = await town.send(json.dumps({"query": "mutation { signOut { done } }"}), headers)

    assert told.verdict == (403, ["origin_not_allowed"])
    assert "Access-Control-Allow-Origin" not in told.headers
    async with town.user.session.options(town.url, headers=headers) as response:
        assert (response.status, response.headers.get("Access-Control-Allow-Origin")) == (403, None)
    assert (await town.ask(NAME)).body["data"]["viewer"] is not None


async def test_nor_does_it_open_a_websocket(town: Town) -> None:
    headers = {**HANDSHAKE, "Origin": "https://evil.example"}

    assert (await town.send(None, headers, method="GET")).verdict == (403, ["origin_not_allowed"])


@pytest.mark.parametrize("missing", ["Sec-WebSocket-Key", "Sec-WebSocket-Version", "Connection"])
async def test_half_a_handshake_is_none(town: Town, missing: str) -> None:
    headers = {name: value for name, value in HANDSHAKE.items() if name != missing}

    assert (await town.send(None, headers, method="GET")).verdict == (400, ["invalid_request"])


async def test_the_console_s_own_pages_do(town: Town) -> None:
    origin = town.console.gateway.url

    told = await town.send(json.dumps({"query": NAME}), {"Origin": origin})

    assert told.verdict == (200, [])
    assert told.headers["Access-Control-Allow-Origin"] == origin


# Headers that are no text.


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        (b"Authorization: Bearer \xff\xfe", (401, ["unauthenticated"])),
        (b"Authorization: Bearer " + b"x" * 7000, (401, ["unauthenticated"])),
        (b"Cookie: clinx=\xff\xfe", (200, [])),
        (b"Cookie: clinx=" + b"x" * 7000, (200, [])),
        (b"User-Agent: \xff\xfe", (200, [])),
        (b"Origin: \xff\xfe", (403, ["origin_not_allowed"])),
        (b"Accept: \xff", (200, [])),
        (b"X-Forwarded-For: \xff", (200, [])),
    ],
)
async def test_a_header_that_is_no_text_is_no_defect(town: Town, line: bytes, verdict: tuple[int, list[str]]) -> None:
    assert (await town.raw(line)).verdict == verdict


async def test_what_a_browser_calls_itself_is_kept_whatever_it_is(town: Town) -> None:
    """On sign-in it is written down, and no database stores half a character."""
    register = (
        'mutation { register(input: {name: "odd", password: "correct horse battery staple"}) { errors { code } } }'
    )

    told = await town.raw(b"User-Agent: \xff\xfe", body=json.dumps({"query": register}).encode())

    assert told.body["data"] == {"register": {"errors": []}}


# Ids and cursors that were made by others.


@pytest.mark.parametrize(
    "wrong",
    [
        *("", "1", "x" * 600, "\N{SNOWMAN}", "VXNlcjox==", " ", "VXNlcjo", "OjE", "VXNlcjr_", "VXNlcjoxAA"),
        pytest.param(to_id("Token", 1), id="a token's"),
        pytest.param(to_id("User", "one"), id="a word"),
        pytest.param(to_id("User", "\u0661"), id="a digit of another script"),
        pytest.param(to_id("User", -1), id="below zero"),
        pytest.param(to_id("User", 2**63), id="above all"),
        pytest.param(to_id("User", "1" * 100), id="a long number"),
        pytest.param(to_id("User", "1\0"), id="NUL"),
    ],
)
async def test_an_id_of_another_type_or_of_nobody_finds_nothing(town: Town, wrong: str) -> None:
    asked = "query ($id: ID!) { user(id: $id) { name } }"

    told = await town.ask(asked, {"id": wrong}, who=town.admin)

    assert (told.status, (told.body["data"] or {}).get("user")) == (200, None)
    assert told.codes in ([], ["invalid_id"])


async def test_a_cursor_is_of_one_list_and_cannot_be_changed(town: Town) -> None:
    found = await town.ask("{ users(first: 1) { edges { cursor } } }", who=town.admin)
    cursor = found.body["data"]["users"]["edges"][0]["cursor"]
    after = (
        "query ($after: String, $by: UserOrder!) { users(first: 1, after: $after, orderBy: $by) { edges { cursor } } }"
    )
    flipped = [cursor[:n] + ("A" if cursor[n] != "A" else "B") + cursor[n + 1 :] for n in range(len(cursor) - 1)]

    assert (await town.ask(after, {"after": cursor, "by": "NEWEST"}, who=town.admin)).codes == []
    for wrong in [*flipped, "", "x", cursor[:-4], cursor * 40, "\N{SNOWMAN}"]:
        told = await town.ask(after, {"after": wrong, "by": "NEWEST"}, who=town.admin)
        assert told.codes == ["invalid_cursor"], wrong
    assert (await town.ask(after, {"after": cursor, "by": "OLDEST"}, who=town.admin)).codes == ["invalid_cursor"]
    other = "query ($after: String) { tokens(first: 1, after: $after) { edges { cursor } } }"
    assert (await town.ask(other, {"after": cursor}, who=town.admin)).codes == ["invalid_cursor"]


# Credentials that are none, or none any more.


async def test_a_key_of_the_relay_opens_nothing_here(town: Town) -> None:
    relay = await town.console.gateway.key()

    told = await town.send(json.dumps({"query": NAME}), {"Authorization": f"Bearer {relay}"}, who=town.stranger)

    assert told.verdict == (401, ["unauthenticated"])


async def test_and_a_session_nothing_on_the_relay(town: Town) -> None:
    gateway = town.console.gateway
    for headers in (town.user.sent, {"Authorization": f"Bearer {town.user.cookie}"}):
        status, _ = await gateway.get("/v1/models", headers=headers)

        assert status == 401


async def test_the_cookie_of_a_session_that_was_ended_is_a_stranger_s(town: Town) -> None:
    assert town.user.user is not None
    database = town.console.gateway.gateway.database
    other = await town.console.signed_in(town.user.user)
    sessions = Sessions(database, now=lambda: datetime.now(UTC))
    found = await sessions.find(other.cookie)
    assert found is not None
    await sessions.end(town.user.user, found[0].id)

    told = await town.ask("{ viewer { user { name } } tokens(first: 1) { edges { cursor } } }", who=other)

    assert told.verdict == (200, ["unauthenticated"])
    assert (await town.ask(NAME)).body["data"]["viewer"] is not None, "the other session stays"


async def test_an_access_key_that_is_over_is_refused(town: Town) -> None:
    assert town.admin.user is not None
    database, at = town.console.gateway.gateway.database, datetime.now(UTC)
    issue = (database, town.admin.user, "test", [Permission.USER_READ])
    expired = await access_keys.issue(*issue, at=at - timedelta(days=2), expires_at=at - timedelta(days=1))
    revoked = await access_keys.issue(*issue, at=at)
    await access_keys.revoke(database, town.admin.user, revoked.key.id, at=at)
    valid = await access_keys.issue(*issue, at=at)
    body = json.dumps({"query": USERS % 1})

    for secret, verdict in (
        (expired.secret, (401, ["unauthenticated"])),
        (revoked.secret, (401, ["unauthenticated"])),
        (valid.secret[:-1], (401, ["unauthenticated"])),
        (valid.secret, (200, [])),
    ):
        told = await town.send(body, {"Authorization": f"Bearer {secret}"}, who=town.stranger)
        assert told.verdict == verdict


async def test_a_bad_key_is_not_made_up_for_by_a_good_cookie(town: Town) -> None:
    told = await town.send(json.dumps({"query": NAME}), {"Authorization": "Bearer ck-none"})

    assert told.verdict == (401, ["unauthenticated"])


async def test_what_was_sent_as_a_secret_comes_back_nowhere(town: Town) -> None:
    sign_in = "mutation ($input: SignInInput!) { signIn(input: $input) { errors { code message } } }"

    told = await town.ask(sign_in, {"input": {"login": "nobody", "password": "hunter2-hunter2"}}, who=town.stranger)
    wrong = await town.ask(sign_in, {"input": {"login": "nobody", "password": 12345678}}, who=town.stranger)

    assert told.codes == []
    assert wrong.codes == ["invalid_value"]
    assert "hunter2" not in json.dumps(told.body)


# Operations that nobody thought of.

SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "Amount": st.sampled_from(["1", "2.5", "0", "-3", "0.000000001", "99999999999"]).map(nodes.String),
    "BigInt": st.integers(-5, 10**12).map(str).map(nodes.String),
    "Date": st.sampled_from(["2026-01-31", "2026-01-01", "9999-12-31"]).map(nodes.String),
    "DateTime": st.sampled_from(["2026-01-31T09:30:00Z", "0001-01-01T00:00:00Z"]).map(nodes.String),
    "Duration": st.sampled_from(["PT5M", "P0D", "P999999D"]).map(nodes.String),
    "Secret": st.text(max_size=20).map(nodes.String),
}
ENDING = {"signOut", "signOutEverywhere"}
"""After these one is a stranger, and sees nothing more of all the others."""
CHANGES = sorted(set(schema.core.mutation_type.fields) - ENDING)
RANDOM = settings(
    max_examples=30, derandomize=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@RANDOM
@given(text=queries(printed(), custom_scalars=SCALARS))
async def test_no_query_is_a_defect(town: Town, text: str) -> None:
    for who in (town.stranger, town.user, town.root):
        told = await town.ask(text, who=who)

        assert told.status == 200
        assert "internal" not in told.codes


@RANDOM
@given(text=mutations(printed(), custom_scalars=SCALARS, fields=CHANGES))
async def test_no_mutation_is_a_defect(town: Town, text: str) -> None:
    for who in (town.stranger, town.user, town.root):
        told = await town.ask(text, who=who)

        assert told.status == 200
        assert "internal" not in told.codes
