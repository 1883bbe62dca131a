from pathlib import Path

import pytest

from clinx.dialects.body import JsonBody
from clinx.domain.money import Amount
from clinx.relay.facts import RequestFacts
from support.fake_upstream import FakeUpstream
from support.gateway import chat, completion, running_gateway, tree_for


def test_facts_are_the_members_of_the_body_decoded_when_asked_for() -> None:
    facts = RequestFacts(JsonBody.parse(b'{"size": "large", "n": 2, "none": null, "deep": {"a": [1]}}'))

    assert dict(facts) == {"size": "large", "n": 2, "none": None, "deep": {"a": [1]}}
    assert "model" not in facts
    assert len(facts) == 4


def test_a_member_that_nobody_names_is_never_decoded() -> None:
    facts = RequestFacts(JsonBody.parse(b'{"size": "large", "text": "\xff"}'))

    assert facts["size"] == "large"


@pytest.mark.parametrize("padding", ["", " " * 100_000])
async def test_white_space_does_not_hide_a_member_from_a_price(
    tmp_path: Path, upstream: FakeUpstream, padding: str
) -> None:
    price = '{call: "0.01", when: [{if: "request.reasoning.effort == \'high\'", call: "0.10"}]}'
    text = tree_for(upstream.url)["gateway.yaml"].replace("price: free}", f"price: {price}}}")
    body = b'{"model":"free-model","messages":[{"role":"user","content":"hi"}],"reasoning":{"effort":"high"%b}}'
    upstream.answers(json=completion())
    async with running_gateway(tmp_path, {"gateway.yaml": text}) as gateway:
        await gateway.post("/v1/chat/completions", body % padding.encode(), key=await gateway.key())
        [row] = await gateway.request_logs()

    assert row.charge == Amount.parse("0.10")


async def test_the_group_a_condition_sees_is_the_one_that_serves(tmp_path: Path, upstream: FakeUpstream) -> None:
    price = '{call: "0.04", when: [{if: "group == \'vip\'", call: "0.10"}]}'
    text = tree_for(upstream.url)["gateway.yaml"].replace("price: free}", f"price: {price}}}")
    text = text.replace("groups:\n", "groups:\n  auto: {tries: [vip, default]}\n", 1)
    upstream.answers(json=completion())
    async with running_gateway(tmp_path, {"gateway.yaml": text}) as gateway:
        await gateway.post("/v1/chat/completions", chat("free-model"), key=await gateway.key(group="auto"))
        [row] = await gateway.request_logs()

    assert row.charge == Amount.parse("0.05"), "0.10 at vip's half price"


def test_whether_a_member_is_there_is_told_without_decoding_it() -> None:
    facts = RequestFacts(JsonBody.parse(b'{"a": "\xff"}'))

    assert ("a" in facts, "b" in facts) == (True, False)
