"""GraphiQL, in a running gateway."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.gateway import running_gateway, tree_for

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize("accept", [BROWSER, {"Accept": "application/json"}])
async def test_it_is_nowhere_unless_the_schema_is_open(tmp_path: Path, accept: dict[str, str]) -> None:
    async with (
        running_gateway(tmp_path, tree_for("http://127.0.0.1:9")) as gateway,
        gateway.session.get(f"{gateway.url}/graphql", headers=accept) as response,
    ):
        told = await response.json()

    assert (response.status, told["errors"][0]["extensions"]["code"]) == (405, "method_not_allowed")


async def test_a_browser_gets_a_page_that_may_ask_this_gateway_alone(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, tree_for("http://127.0.0.1:9"), console_schema="open") as gateway:
        async with gateway.session.get(f"{gateway.url}/graphql", headers=BROWSER) as response:
            page = await response.text()
        async with gateway.session.get(f"{gateway.url}/graphql") as other:
            refused = other.status
        asked = {"query": "{ __schema { queryType { name } } }"}
        origin = {"Origin": gateway.url, **BROWSER}
        async with gateway.session.post(f"{gateway.url}/graphql", json=asked, headers=origin) as answer:
            told = await answer.json()

    assert (response.status, response.content_type, refused) == (200, "text/html", 405)
    assert "GraphiQL.createFetcher" in page
    assert page.count("integrity=") == page.count("https://unpkg.com/"), "nothing is run that is not checked"
    policy = dict(each.strip().split(" ", 1) for each in response.headers["Content-Security-Policy"].split(";"))
    assert (policy["default-src"], policy["connect-src"], policy["frame-ancestors"]) == ("'none'", "'self'", "'none'")
    assert "Set-Cookie" not in response.headers
    assert told["data"] == {"__schema": {"queryType": {"name": "Query"}}}
