import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from support.console import running_console
from support.fake_upstream import FakeUpstream
from support.gateway import Running, running_gateway, tree_for

FIXED = [
    ("GET", "/-/health"),
    ("GET", "/-/ready"),
    ("GET", "/-/metrics"),
    ("GET", "/-/revision"),
    ("POST", "/-/reload"),
]


async def asked_for(gateway: Running, target: str) -> bytes:
    """The status line of an answer to a target no client library would write."""
    host, port = gateway.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"{target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode("latin-1"))
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    await writer.wait_closed()
    return answer.partition(b"\r\n")[0]


async def test_there_is_neither_an_application_nor_middleware_between_the_socket_and_the_relay(
    gateway: Running,
) -> None:
    runner = gateway.gateway.site._runner

    assert isinstance(runner, web.ServerRunner)
    assert isinstance(runner.server, web.Server)


@pytest.mark.parametrize(("method", "path"), [*FIXED, ("GET", "/-/health?probe=1")])
async def test_the_operators_routes_win_over_the_one_for_all_else(gateway: Running, method: str, path: str) -> None:
    async with gateway.session.request(method, gateway.url + path) as response:
        status = response.status

    assert status == 200
    assert "x-request-id" not in response.headers, "the relay never saw it"
    assert await gateway.request_logs() == []


@pytest.mark.parametrize("path", [path for method, path in FIXED if method == "GET"])
async def test_a_probe_may_ask_for_the_head_alone(gateway: Running, path: str) -> None:
    async with gateway.session.head(gateway.url + path) as response:
        body = await response.read()

    assert (response.status, body) == (200, b"")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/-/"),
        ("GET", "/-/nothing"),
        ("GET", "/-/health/"),
        ("GET", "//-/health"),
        ("POST", "/-/health"),
        ("GET", "/-/reload"),
        ("DELETE", "/a/b/c"),
    ],
)
async def test_everything_else_is_the_relay_s_and_answered_in_its_shape(
    gateway: Running, method: str, path: str
) -> None:
    async with gateway.session.request(method, gateway.url + path) as response:
        status, body = response.status, await response.json()

    assert (status, body["error"]["code"]) == (404, "no_such_endpoint")
    assert response.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize(
    "path",
    [
        "/dashboard/billing/subscription",
        "/v1/dashboard/billing/subscription",
        "/dashboard/billing/usage",
        "/v1/dashboard/billing/usage",
        "/api/usage/token",
        "/api/usage/token/",
        "/api/log/token",
    ],
)
async def test_what_a_key_may_ask_about_itself_is_served_beside_the_relay(gateway: Running, path: str) -> None:
    key = await gateway.key(credit="1")

    status, _ = await gateway.get(f"{path}?key={key}")

    assert status == 200
    assert (await gateway.get(path))[0] == 401
    async with gateway.session.delete(gateway.url + path) as response:
        assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")
    assert await gateway.request_logs() == []


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("GET http://other.example/v1/models", "401 Unauthorized"),
        ("GET http://other.example/-/health", "200 OK"),
        ("OPTIONS *", "404 Not Found"),
        ("CONNECT other.example:443", "404 Not Found"),
        ("GET /%ff%zz", "404 Not Found"),
        ("GET /v1/models?key=%ff", "401 Unauthorized"),
    ],
)
async def test_an_odd_target_is_refused_and_never_a_defect(gateway: Running, target: str, status: str) -> None:
    assert await asked_for(gateway, target) == f"HTTP/1.1 {status}".encode()


async def test_the_console_s_pages_stand_before_the_relay(tmp_path: Path) -> None:
    async with running_console(tmp_path) as console:
        url, session = console.gateway.url, console.stranger.session
        answers: dict[tuple[str, str], int] = {}
        for method, path in [
            ("POST", "/graphql"),
            ("GET", "/graphql"),
            ("DELETE", "/graphql"),
            ("GET", "/graphql/"),
            ("GET", "/api/status"),
            ("POST", "/api/status"),
            ("GET", "/api/oauth/nobody/start"),
        ]:
            async with session.request(method, url + path, json={"query": "{ __typename }"}) as response:
                answers[method, path] = response.status

    assert answers == {
        ("POST", "/graphql"): 200,
        ("GET", "/graphql"): 405,
        ("DELETE", "/graphql"): 405,
        ("GET", "/graphql/"): 404,
        ("GET", "/api/status"): 200,
        ("POST", "/api/status"): 404,
        ("GET", "/api/oauth/nobody/start"): 404,
    }


async def test_a_gateway_may_be_without_a_console(tmp_path: Path, upstream: FakeUpstream) -> None:
    async with running_gateway(tmp_path, tree_for(upstream.url), console=False) as gateway:
        assert (await gateway.post("/graphql", {"query": "{ __typename }"}))[0] == 404
