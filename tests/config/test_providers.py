from __future__ import annotations

from pathlib import Path

import pytest

from clinx.config.compile import Compiled
from clinx.domain.catalog import Provider
from clinx.domain.operation import Operation
from clinx.domain.provider_balance import BalanceQuestion, BalanceRule, Figure, Steps
from clinx.domain.template import Template
from support.tree import compile_files, findings

NEEDS = {
    "openai": 'credentials: ["${env:UPSTREAM_KEY}"]',
    "openai-compatible": 'base_url: https://x.example, credentials: ["${env:UPSTREAM_KEY}"]',
    "azure-openai": 'base_url: https://x.openai.azure.com, credentials: ["${env:UPSTREAM_KEY}"]',
    "ollama": "",
    "vllm": "base_url: http://127.0.0.1:8000",
    "echo": "",
}


def compiled(tmp_path: Path, name: str, more: str = "", **files: str) -> Compiled:
    text = f"models: {{m: {{price: free}}}}\nchannels: [{{name: c, provider: {name}, models: [m], {more}}}]\n"
    return compile_files(tmp_path, {"gateway.yaml": text, **files})


def provider(tmp_path: Path, name: str) -> Provider:
    return compiled(tmp_path, name, NEEDS[name]).snapshot.channels["c"].provider


@pytest.mark.parametrize("name", NEEDS)
def test_every_shipped_provider_takes_chat_completions_and_embeddings(tmp_path: Path, name: str) -> None:
    built = provider(tmp_path, name)

    assert built.endpoint(Operation.CHAT, "openai_chat") is not None
    assert built.endpoint(Operation.COMPLETE, "openai_chat") is not None
    assert built.endpoint(Operation.EMBED, "openai_embeddings") is not None


@pytest.mark.parametrize(
    ("name", "base_url", "path", "place", "currency"),
    [
        ("deepseek", "https://api.deepseek.com", "/user/balance", ("balance_infos", 0, "total_balance"), None),
        ("moonshot", "https://api.moonshot.cn", "/v1/users/me/balance", ("data", "available_balance"), "CNY"),
        ("moonshot-global", "https://api.moonshot.ai", "/v1/users/me/balance", ("data", "available_balance"), "USD"),
        ("siliconflow", "https://api.siliconflow.cn", "/v1/user/info", ("data", "totalBalance"), "CNY"),
    ],
)
def test_a_shipped_provider_says_how_its_vendor_is_asked_what_is_left(
    tmp_path: Path, name: str, base_url: str, path: str, place: Steps, currency: str | None
) -> None:
    built = compiled(tmp_path, name, NEEDS["openai"]).snapshot.channels["c"].provider

    assert (built.base_url, built.headers) == (base_url, (("Authorization", Template.parse("Bearer {{ key }}")),))
    assert built.endpoint(Operation.CHAT, "openai_chat") is not None
    assert built.balance == BalanceRule(
        BalanceQuestion("GET", Template.parse(path)), Figure(place), currency or ("balance_infos", 0, "currency")
    )


def test_gemini_is_asked_for_a_stream_at_another_address(tmp_path: Path) -> None:
    built = compiled(tmp_path, "gemini", NEEDS["openai"]).snapshot.channels["c"].provider
    values = {"key": "k", "model": "m", **{f"settings.{name}": value for name, value in built.settings.items()}}
    chat = built.endpoint(Operation.CHAT, "gemini")
    assert chat is not None
    assert chat.streaming is not None

    assert chat.path.render(values) == "/v1beta/models/m:generateContent"
    assert chat.streaming.path.render(values) == "/v1beta/models/m:streamGenerateContent"
    assert [(name, template.render(values)) for name, template in chat.streaming.query] == [("alt", "sse")]
    assert [(name, template.render(values)) for name, template in built.headers] == [("x-goog-api-key", "k")]
    for operation in (Operation.COUNT_TOKENS, Operation.EMBED, Operation.EMBED_BATCH):
        assert built.endpoint(operation, "gemini") is not None


def test_what_is_wrong_with_an_address_for_streams_is_found_there(tmp_path: Path) -> None:
    endpoint = "generate_content: {path: /a, streaming: {path: '/{{ modle }}', query: {a: '{{ x }}'}}}"
    text = f"provider: acme\nbase_url: https://acme.example\nendpoints: {{{endpoint}}}\n"

    found = findings(tmp_path, {"gateway.yaml": "version: 1\n", "providers/acme.yaml": text})

    assert [each.code for each in found if each.file == "providers/acme.yaml"] == ["E211", "E211"]


def test_azure_addresses_deployments_with_an_api_version(tmp_path: Path) -> None:
    built = provider(tmp_path, "azure-openai")
    chat = built.endpoint(Operation.CHAT, "openai_chat")
    assert chat is not None
    values = {"key": "k", "model": "gpt-4.1", "deployment": "gpt-41", "settings.api_version": "v"}

    assert chat.path.render(values) == "/openai/deployments/gpt-41/chat/completions"
    assert [(name, template.render(values)) for name, template in chat.query] == [("api-version", "v")]
    assert [(name, template.render(values)) for name, template in built.headers] == [("api-key", "k")]
    assert built.settings["strip_dots"] == "false"


@pytest.mark.parametrize(
    ("model", "operation", "holds"),
    [("o3-mini", "chat", True), ("gpt-5", "chat", True), ("gpt-4o", "chat", False), ("o3-mini", "complete", False)],
)
def test_openai_renames_the_limit_for_reasoning_models_only(
    tmp_path: Path, model: str, operation: str, holds: bool
) -> None:
    (rule,) = provider(tmp_path, "openai").params

    assert rule.rename == (("max_tokens", "max_completion_tokens"),)
    assert rule.when is not None
    assert rule.when({"model": model, "operation": operation, "stream": False}) is holds


def test_compatible_servers_are_sent_what_the_caller_wrote(tmp_path: Path) -> None:
    assert provider(tmp_path, "openai-compatible").params == ()


def test_a_provider_that_is_named_unlike_its_file_is_refused(tmp_path: Path) -> None:
    files = {"gateway.yaml": "version: 1\n", "providers/a.yaml": "provider: b\n"}

    assert [str(each) for each in findings(tmp_path, files)] == [
        'providers/a.yaml:1:11 E209 provider "b" in a file called a.yaml'
    ]


def test_a_provider_whose_own_address_repeats_the_version_is_a_warning(tmp_path: Path) -> None:
    mine = "provider: mine\nbase_url: https://x.example/v1\nendpoints: {chat: {path: /v1/chat/completions}}\n"
    found = compiled(tmp_path, "echo", **{"providers/mine.yaml": mine}).diagnostics

    assert [str(each) for each in found] == [
        (
            'providers/mine.yaml:2:11 W308 "base_url" ends in /v1 and so do the paths begin: '
            "requests would go to /v1/v1 (leave /v1 out of the address)"
        )
    ]


def test_what_a_base_that_is_not_there_would_give_is_not_missed(tmp_path: Path) -> None:
    channels = "models: {m: {price: free}}\nchannels: [{name: c, provider: b, models: [m]}]\n"
    files = {
        "gateway.yaml": channels,
        "providers/a.yaml": "provider: a\nextends: opanai\nendpoints: {chat: {query: {v: '{{ settings.v }}'}}}\n",
        "providers/b.yaml": "provider: b\nextends: a\nendpoints: {completions: {dialect: opnai_chat}}\n",
    }

    assert [str(each) for each in findings(tmp_path, files)] == [
        'providers/a.yaml:2:10 E201 unknown provider "opanai" (did you mean "openai"?)',
        'providers/b.yaml:3:36 E204 unknown dialect "opnai_chat" (did you mean "openai_chat"?)',
    ]


def test_a_name_is_not_inherited(tmp_path: Path) -> None:
    files = {"gateway.yaml": "version: 1\n", "providers/a.yaml": "extends: openai\n"}

    assert [str(each) for each in findings(tmp_path, files)] == ['providers/a.yaml:1:1 E302 missing key "provider"']


def test_a_broken_provider_is_reported_once_however_many_channels_use_it(tmp_path: Path) -> None:
    channels = "".join(f"  - {{name: c{i}, provider: bad, models: [m]}}\n" for i in range(3))
    files = {
        "gateway.yaml": f"models: {{m: {{price: free}}}}\nchannels:\n{channels}",
        "providers/bad.yaml": "provider: bad\nbase_url: nonsense\n",
    }

    assert [each.code for each in findings(tmp_path, files)] == ["E303"]


def test_where_a_providers_models_put_their_thoughts_is_said_in_its_file(tmp_path: Path) -> None:
    thoughts = "inline_thinking: true\nthinking_begun: true\nreasoning_history: reasoning_content\n"
    acme = f"provider: acme\nextends: openai\n{thoughts}"
    built = compiled(tmp_path, "acme", NEEDS["openai"], **{"providers/acme.yaml": acme}).snapshot.channels["c"].provider

    vllm = provider(tmp_path, "vllm")
    assert (built.inline_thinking, built.thinking_begun, built.reasoning_history) == (True, True, "reasoning_content")
    assert (vllm.inline_thinking, vllm.thinking_begun, vllm.reasoning_history) == (False, False, None)
    wrong = {"gateway.yaml": "version: 1\n", "providers/acme.yaml": acme.replace("reasoning_content", "thoughts")}
    assert [found.code for found in findings(tmp_path, wrong)] == ["E303"]
