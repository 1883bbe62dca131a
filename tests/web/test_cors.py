from pathlib import Path

from support.fake_upstream import FakeUpstream
from support.gateway import Running, running_gateway, tree_for

PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


def files(upstream: FakeUpstream) -> dict[str, str]:
    return {"gateway.yaml": tree_for(upstream.url)["gateway.yaml"] + "server: {cors: ['https://a.example']}\n"}


async def test_an_allowed_origin_may_ask_and_read(tmp_path: Path, upstream: FakeUpstream) -> None:
    async with running_gateway(tmp_path, files(upstream)) as gateway:
        url, origin = f"{gateway.url}/v1/chat/completions", {"Origin": "https://a.example"}
        async with gateway.session.options(url, headers={**origin, **PREFLIGHT}) as response:
            asked = response.status, response.headers["Access-Control-Allow-Origin"]
            headers = response.headers["Access-Control-Allow-Headers"]
            assert response.headers["Server"] == "clinx"
        async with gateway.session.post(url, headers=origin) as response:
            answered = response.status, response.headers["Access-Control-Allow-Origin"], response.headers["Vary"]

    assert asked == (204, "https://a.example")
    assert headers == "authorization"
    assert answered == (401, "https://a.example", "Origin")


async def test_another_origin_may_not(tmp_path: Path, upstream: FakeUpstream) -> None:
    async with running_gateway(tmp_path, files(upstream)) as gateway:
        url, origin = f"{gateway.url}/v1/models", {"Origin": "https://b.example"}
        async with gateway.session.options(url, headers={**origin, **PREFLIGHT}) as response:
            asked = response.status
        async with gateway.session.get(url, headers=origin) as response:
            assert "Access-Control-Allow-Origin" not in response.headers

    assert asked == 403


async def test_without_configuration_no_origin_is_allowed(gateway: Running) -> None:
    async with gateway.session.get(f"{gateway.url}/v1/models", headers={"Origin": "https://a.example"}) as response:
        assert "Access-Control-Allow-Origin" not in response.headers
