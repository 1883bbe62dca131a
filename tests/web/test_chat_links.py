import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import aiohttp
import pytest

from clinx.accounts import tokens
from clinx.accounts.authenticate import Authenticator
from clinx.accounts.tokens import Limits
from clinx.domain.console import ChatLink, Console
from clinx.storage.database import Database
from clinx.web.chat_links import ChatLinks, filled, is_link
from support.database import (
    Clock,
    _migrated_database,
    _migrated_file,
    clock,
    database,
    database_url,
    make_token,
    make_user,
)
from support.edge import Tree, browser, served

__all__ = ["_migrated_database", "_migrated_file", "clock", "database", "database_url"]

LOBE = ChatLink("Lobe", "https://chat.example/#/?key={key}&url={address}/v1")
CHERRY = ChatLink("Cherry", "cherrystudio://providers/add?k={key}")


@dataclass
class House:
    tree: Tree
    database: Database
    window: aiohttp.ClientSession
    url: str

    async def ask(self, query: str) -> tuple[int, str]:
        """Return the status, and where to go or the code of the failure."""
        async with self.window.get(f"{self.url}/chat2link{query}", allow_redirects=False) as response:
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["Referrer-Policy"] == "no-referrer"
            if response.status == 302:
                return 302, response.headers["Location"]
            answer = json.loads(await response.text())
            assert answer["success"] is False
            assert answer["message"]
            return response.status, answer["code"]


@pytest.fixture
async def house(database: Database, clock: Clock, tmp_path: Path) -> AsyncIterator[House]:
    tree = Tree.of(tmp_path, Console(address="https://gw.example", chat_links=(LOBE, CHERRY)))
    links = ChatLinks(Authenticator(database, monotonic=clock.monotonic, now=clock.now), tree.now)
    routes = links.routes()
    async with served(lambda method, path: routes.get((method, path))) as url, browser() as window:
        yield House(tree, database, window, url)


async def test_a_good_key_opens_the_first_client_or_the_named_one(house: House):
    key = (await make_token(house.database, await make_user(house.database))).secret

    assert await house.ask(f"?key={key}") == (
        302,
        f"https://chat.example/#/?key={key}&url=https%3A%2F%2Fgw.example/v1",
    )
    assert await house.ask(f"?key={key}&name=Cherry") == (302, f"cherrystudio://providers/add?k={key}")


async def test_a_key_that_is_not_good_goes_nowhere(house: House, clock: Clock):
    user = await make_user(house.database)
    revoked = await make_token(house.database, user)
    await tokens.disable(house.database, revoked.token, at=clock.now())
    away = await make_token(house.database, user, limits=Limits(networks=(ip_network("10.0.0.0/8"),)))

    assert await house.ask("") == (400, "invalid_request")
    assert await house.ask("?key=") == (400, "invalid_request")
    assert await house.ask("?key=sk-made-up") == (401, "unauthenticated")
    assert await house.ask(f"?key={revoked.secret}") == (401, "token_disabled")
    assert await house.ask(f"?key={away.secret}") == (403, "permission_denied")


async def test_without_such_a_client_there_is_nowhere_to_go(house: House):
    key = (await make_token(house.database, await make_user(house.database))).secret
    assert await house.ask(f"?key={key}&name=nobody") == (404, "no_such_endpoint")

    console = house.tree.console
    for changed in (
        replace(console, address=None),
        replace(console, chat_links=()),
        replace(console, chat_links=(ChatLink("x", "javascript:alert('{key}')"),)),
    ):
        house.tree.console = changed
        assert await house.ask(f"?key={key}") == (404, "no_such_endpoint")


def test_what_is_written_into_a_link_stays_one_value():
    url = filled("https://chat.example/?a={address}&k={key}&x={other}", "https://gw.example", "sk-{address}&b=c#d")

    assert parse_qs(urlsplit(url).query) == {
        "a": ["https://gw.example"],
        "k": ["sk-{address}&b=c#d"],
        "x": ["{other}"],
    }
    assert quote("sk-{address}&b=c#d", safe="") in url


@pytest.mark.parametrize("url", ["https://a/{key}", "http://a", "app://x", "cherry.studio+1:x"])
def test_links_lead_somewhere_else(url: str):
    assert is_link(url)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:x",
        "data:text/html,x",
        "vbscript:x",
        "file:///x",
        "blob:x",
        "//a",
        "/a",
        "{address}/x",
        "",
        "JavaScript:x",
    ],
)
def test_what_runs_or_reads_here_is_no_link(url: str):
    assert not is_link(url)
