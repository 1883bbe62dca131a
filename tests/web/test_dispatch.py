import re

import pytest

from clinx.dialects.registry import DIALECTS
from clinx.errors import Unauthenticated
from support.gateway import Running


async def test_an_unknown_path_is_a_404_in_openai_s_shape(gateway: Running) -> None:
    status, body = await gateway.post("/v1/no/such/path", {})

    assert status == 404
    assert body["error"]["code"] == "no_such_endpoint"


async def test_a_wrong_method_is_a_405_that_names_the_right_one(gateway: Running) -> None:
    async with gateway.session.delete(f"{gateway.url}/v1/chat/completions") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "POST"


@pytest.mark.parametrize("path", ["//v1/models", "/v1//models", "/v1/models/..%2f", "/V1/models"])
async def test_a_path_that_is_not_exactly_an_endpoint_is_none(gateway: Running, path: str) -> None:
    status, _ = await gateway.get(path, key=await gateway.key())

    assert status == 404


HOLE = re.compile(r"\{\w+(?::([^}]+))?\}")
"""A part of a path that varies: anything, or one of some words."""


async def test_a_method_override_header_means_nothing(gateway: Running) -> None:
    status, body = await gateway.get("/v1/chat/completions", headers={"X-HTTP-Method-Override": "POST"})

    assert (status, body["error"]["code"]) == (405, "method_not_allowed")


async def test_every_endpoint_of_every_dialect_is_mounted(gateway: Running) -> None:
    for dialect in DIALECTS.values():
        for endpoint in dialect.endpoints:
            path = HOLE.sub(lambda hole: "x" if hole[1] in {None, ".+"} else hole[1].split("|")[0], endpoint.path)
            async with gateway.session.request(endpoint.method, gateway.url + path) as response:
                refusal = dialect.render_error(Unauthenticated("No API key was given."), "")
                assert response.status == refusal.status, f"{endpoint.method} {path}"
