import asyncio
import json
from pathlib import Path

import pytest

from support.console import running_console
from support.gateway import running_gateway, tree_for
from support.mail_server import MailServer, Received

SECTION = """\
console:
  name: Example
  address: http://127.0.0.1:1
  mail: {{host: 127.0.0.1, port: {port}, security: none, from: "Example <no-reply@example.com>"}}
  notifications: {{operators: [ops@example.com]}}
  chat_links: [{{name: Chat, url: "https://chat.example/#{{key}}"}}]
"""


async def letters(server: MailServer) -> list[Received]:
    async with asyncio.timeout(20):
        while not server.received:  # noqa: ASYNC110  (a server of its own takes it)
            await asyncio.sleep(0.01)
    return server.received


async def test_operators_hear_of_a_tree_that_did_not_load(tmp_path: Path) -> None:
    async with MailServer() as server, running_console(tmp_path, section=SECTION.format(port=server.port)) as console:
        console.gateway.write("gateway.yaml", "version: 1\nchannels: [{name: broken}]\n")

        [letter] = await letters(server)

    assert letter.to == ["ops@example.com"]
    body = letter.message.get_body(("plain",))
    assert body is not None
    assert "gateway.yaml" in body.get_content()


async def test_whoever_registers_gets_a_letter(tmp_path: Path) -> None:
    async with MailServer() as server:
        section = SECTION.format(port=server.port) + "  registration: {open: true, email: required}\n"
        async with running_console(tmp_path, section=section) as console:
            data = await console.stranger.query(
                "mutation ($input: RegisterInput!) { register(input: $input) { errors { code } } }",
                input={"name": "ann", "password": "correct horse battery", "email": "ann@example.com"},
            )
            [letter] = await letters(server)

    assert data["register"]["errors"] == []
    assert letter.to == ["ann@example.com"]


async def test_the_small_routes_of_other_gateways_answer(tmp_path: Path) -> None:
    async with running_console(tmp_path, section=SECTION.format(port=9)) as console:
        gateway = console.gateway
        status, page = await gateway.get("/api/status")
        key = await gateway.key()
        chat = f"{gateway.url}/chat2link?key={key}"
        async with gateway.session.get(chat, allow_redirects=False) as sent:
            location = sent.headers["Location"]
        start = f"{gateway.url}/api/oauth/github/start"
        async with gateway.session.get(start, allow_redirects=False) as refused:
            back = refused.headers["Location"]

    assert (status, page["data"]["system_name"]) == (200, "Example")
    assert location == f"https://chat.example/#{key}"
    assert "error=not_offered" in back


async def test_a_gateway_may_have_no_console(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, tree_for("http://127.0.0.1:9"), console=False) as gateway:
        status, _ = await gateway.post("/graphql", {"query": "{ viewer { user { name } } }"})
        also, _ = await gateway.get("/api/status")

    assert (status, also) == (404, 404)


@pytest.mark.parametrize(("schema", "codes"), [("open", []), ("operators", ["forbidden"])])
async def test_in_development_everybody_may_ask_for_the_schema(tmp_path: Path, schema: str, codes: list[str]) -> None:
    async with running_console(tmp_path, console_schema=schema) as console:
        answer = await console.stranger.ask("{ __schema { queryType { name } } }")

    assert [error["extensions"]["code"] for error in answer.get("errors", [])] == codes


async def test_a_key_that_is_too_short_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 32 characters"):
        async with running_gateway(tmp_path, tree_for("http://127.0.0.1:9"), console_key="short"):
            pass


async def test_two_processes_over_one_folder_have_one_key(tmp_path: Path) -> None:
    async with running_console(tmp_path) as console:
        ann = await console.person("ann")
        first = await ann.query("{ viewer { user { id } } }")
    async with running_gateway(tmp_path, tree_for("http://127.0.0.1:9")) as gateway:
        headers = {"Cookie": f"clinx={ann.cookie}"}
        _, raw = await gateway.post_raw("/graphql", {"query": "{ viewer { user { id } } }"}, headers=headers)

    assert json.loads(raw)["data"] == first
