from __future__ import annotations

from pathlib import Path

from support.fake_upstream import FakeUpstream
from support.gateway import Running, running_gateway, tree_for

RULES = """\
- {name: no-calls, when: group == 'vip', allow: {models: [fake-model, "free-*"], operations: [embed]}}
"""


async def listed(gateway: Running, key: str) -> list[str]:
    _, body = await gateway.get("/v1/models", key=key)
    return [each["id"] for each in body["data"]]


async def test_a_list_has_what_group_token_and_rules_leave(tmp_path: Path, upstream: FakeUpstream) -> None:
    files = {**tree_for(upstream.url), "policies/rules.yaml": RULES}
    files["gateway.yaml"] = files["gateway.yaml"].replace("free-model]", 'free-model, "free-*"]')
    files["gateway.yaml"] = files["gateway.yaml"].replace("models:\n", 'models:\n  "free-*": {price: free}\n', 1)
    async with running_gateway(tmp_path, files) as gateway:
        anyone, vip = await gateway.key(), await gateway.key(group="vip")
        bound = await gateway.key(group="vip", models=["per-call", "fake-model"])

        assert await listed(gateway, anyone) == ["fake-model", "free-model", "per-call"]
        assert await listed(gateway, vip) == ["fake-model", "free-model"]
        assert await listed(gateway, bound) == ["fake-model"]

        for key, model, status in (
            (anyone, "per-call", 200),
            (vip, "per-call", 404),
            (vip, "free-xyz", 200),
            (vip, "free-*", 404),
            (bound, "free-model", 404),
            (anyone, "nothing", 404),
        ):
            assert (await gateway.get(f"/v1/models/{model}", key=key))[0] == status, model
        _, card = await gateway.get("/v1/models/free-xyz", key=vip)
        assert card["id"] == "free-xyz"
