"""A question how many tokens a prompt is: free, and all the same a request."""

from __future__ import annotations

from pathlib import Path

from support.fake_upstream import FakeUpstream
from support.gateway import running_gateway, tree_for

LIMIT = "- {name: few, limit: {requests: 2, per: 1h, of: user}}\n"
ASKED = {"model": "fake-model", "messages": [{"role": "user", "content": "Hi"}]}


async def test_it_counts_as_a_request_wherever_it_is_answered(tmp_path: Path, upstream: FakeUpstream) -> None:
    files = {**tree_for(upstream.url), "policies/limits.yaml": LIMIT}
    async with running_gateway(tmp_path, files) as gateway:
        user = await gateway.user()
        key = (await gateway.issue(user)).secret
        before = await gateway.balance(user)
        answers = [await gateway.post("/v1/messages/count_tokens", ASKED, key=key) for _ in range(3)]

        assert [status for status, _ in answers] == [200, 200, 429]
        assert answers[2][1]["error"]["type"] == "rate_limit_error"
        assert await gateway.balance(user) == before
    assert upstream.requests == []
