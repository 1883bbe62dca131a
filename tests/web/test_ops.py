from pathlib import Path

from support.fake_upstream import FakeUpstream
from support.gateway import Running, running_gateway, tree_for


async def test_health_and_readiness_are_for_everyone(gateway: Running) -> None:
    assert await gateway.get("/-/health") == (200, {"status": "ok"})
    assert await gateway.get("/-/ready") == (200, {"status": "ready", "reasons": []})


async def test_a_draining_gateway_is_not_ready(gateway: Running) -> None:
    gateway.gateway.readiness.draining = True

    assert await gateway.get("/-/ready") == (503, {"status": "unready", "reasons": ["draining"]})


async def test_the_revision_is_the_one_served(gateway: Running) -> None:
    status, body = await gateway.get("/-/revision")

    assert status == 200
    assert body["revision"] == gateway.gateway.current.generation.snapshot.revision.id
    assert body["generations"] == 1
    assert body["last_reload"]["ok"] is True
    assert body["last_reload"]["diagnostics"] == []


async def test_a_broken_edit_is_explained_and_changes_nothing(gateway: Running) -> None:
    served = gateway.gateway.current.generation.snapshot.revision.id
    gateway.write("gateway.yaml", (gateway.root / "gateway.yaml").read_text().replace("provider:", "provder:"))

    status, body = await gateway.post("/-/reload", {})

    assert status == 409
    assert body["revision"] == served
    assert body["last_reload"]["ok"] is False
    assert any("gateway.yaml:" in line and "provider" in line for line in body["last_reload"]["diagnostics"])


async def test_a_good_edit_is_served_after_a_reload(gateway: Running) -> None:
    served = gateway.gateway.current.generation.snapshot.revision.id
    gateway.write("gateway.yaml", (gateway.root / "gateway.yaml").read_text() + "\n# a comment\n")

    status, body = await gateway.post("/-/reload", {})

    assert status == 200
    assert body["revision"] != served
    assert body["generations"] == 1


async def test_metrics_are_prometheus_text(gateway: Running) -> None:
    async with gateway.session.get(f"{gateway.url}/-/metrics") as response:
        text = await response.text()
        kind = response.headers["Content-Type"]

    assert kind.startswith("text/plain; version=0.0.4")
    assert "clinx_config_last_reload_successful 1.0" in text


async def test_behind_a_proxy_the_operator_s_token_is_needed(tmp_path: Path, upstream: FakeUpstream) -> None:
    forwarded = {"X-Forwarded-For": "198.51.100.1"}
    async with running_gateway(tmp_path, tree_for(upstream.url), ops_token="operators-only") as gateway:
        for path in ("/-/metrics", "/-/revision"):
            async with gateway.session.get(gateway.url + path, headers=forwarded) as response:
                assert response.status == 403
            headers = {**forwarded, "Authorization": "Bearer operators-only"}
            async with gateway.session.get(gateway.url + path, headers=headers) as response:
                assert response.status == 200
