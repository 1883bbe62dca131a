# ruff: noqa: E501  (one case a line)
from __future__ import annotations

from pathlib import Path

import pytest

from clinx.domain.catalog import Channel, TransportKind
from clinx.domain.ledger import Unresolved
from support.tree import compile_files, findings


def text(more: str) -> dict[str, str | bytes]:
    return {"gateway.yaml": f"models: {{m: {{price: free}}}}\nchannels: [{{name: c, models: [m], {more}}}]\n"}


def channel(tmp_path: Path, more: str) -> Channel:
    return compile_files(tmp_path, text(more)).snapshot.channels["c"]


def said(tmp_path: Path, more: str) -> list[str]:
    return [str(each).split(" ", 1)[1] for each in findings(tmp_path, text(more))]


def test_what_is_not_said_has_a_default(tmp_path: Path) -> None:
    built = channel(tmp_path, "provider: echo")

    assert (built.groups, built.priority, built.weight, built.credentials) == (("default",), 0, 1, ())
    assert (built.timeouts.connect, built.timeouts.total, built.retry.attempts) == (5.0, 1800.0, 3)
    assert built.base_url == "builtin:echo"


@pytest.mark.parametrize(
    ("vendor", "own", "expected"),
    [
        ("", "", Unresolved.METERED),
        ("", "unresolved: void", Unresolved.VOID),
        ("unresolved: hold", "", Unresolved.HOLD),
        ("unresolved: hold", "unresolved: metered", Unresolved.METERED),
        ("unresolved: hold", "unresolved: ~", Unresolved.HOLD),
    ],
)
def test_what_a_killed_call_costs_is_the_channel_s_choice_else_the_provider_s(
    tmp_path: Path, vendor: str, own: str, expected: Unresolved
) -> None:
    files = {
        "gateway.yaml": f"models: {{m: {{price: free}}}}\nchannels:\n  - {{name: c, provider: p, models: [m], {own}}}\n",
        "providers/p.yaml": f"provider: p\nextends: echo\n{vendor}\n",
    }

    assert compile_files(tmp_path, files).snapshot.channels["c"].unresolved is expected


def test_nothing_else_may_be_said_of_a_killed_call(tmp_path: Path) -> None:
    assert [finding[:4] for finding in said(tmp_path, "provider: echo, unresolved: half")] == ["E303"]


def test_credentials_are_shown_by_reference_and_fingerprint_only(tmp_path: Path) -> None:
    built = channel(tmp_path, 'provider: openai, credentials: ["${env:UPSTREAM_KEY}", "${env:UPSTREAM_KEY_B}"]')

    assert [each.reference for each in built.credentials] == ["${env:UPSTREAM_KEY}", "${env:UPSTREAM_KEY_B}"]
    assert built.credentials[0].secret == "vendor-secret-0123456789"
    assert "vendor-secret" not in repr(built)


def test_a_channel_address_replaces_the_providers(tmp_path: Path) -> None:
    built = channel(tmp_path, "provider: ollama, base_url: http://gpu.example:11434/")

    assert built.base_url == "http://gpu.example:11434"


def test_settings_are_merged_over_the_defaults(tmp_path: Path) -> None:
    built = channel(
        tmp_path,
        "provider: azure-openai, base_url: http://x, credentials: ['${env:UPSTREAM_KEY}'], settings: {api_version: 7}",
    )

    assert built.settings == {"api_version": "7", "strip_dots": "false"}


def test_an_unpriced_model_is_refused(tmp_path: Path) -> None:
    files = {"gateway.yaml": "channels: [{name: c, provider: echo, models: [ghost]}]\n"}

    assert [str(each) for each in findings(tmp_path, files)] == [
        'gateway.yaml:1:47 E205 model "ghost" has no price (list it under "models"; price: free, if it costs nothing)'
    ]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("provider: openai", 'E302 missing key "credentials" (list ${env:NAME} or ${file:PATH})'),
        ("provider: vllm", 'E302 missing key "base_url" (provider "vllm" has none)'),
        ("provider: echo, base_url: builtin:echo", 'E303 "base_url" must start with http:// or https:// and name a host'),
        ("provider: echo, headers: {Transfer-Encoding: x}", 'E303 header "Transfer-Encoding" belongs to the connection'),
        ("provider: echo, set: {stream: true}", 'E303 "stream" is decided by routing, not by "set"'),
        ("provider: echo, settings: {a: 1}", 'E210 provider "echo" has no setting "a"'),
        ("provider: azure-openai, base_url: http://x, credentials: ['${env:UPSTREAM_KEY}'], settings: {api_version: '${env:UPSTREAM_NO}'}", "E403 variable UPSTREAM_NO is not set"),
        ("provider: echo, proxy: 'http://u:hunter2@x:1'", "E401 this proxy address holds a password (write http://user:${env:NAME}@host:port)"),
        ("provider: echo, weight: -1", 'E303 "weight": input should be greater than or equal to 0, not -1'),
        ("provider: echo, weight: 1.5", 'E303 "weight": expected a whole number'),
        ("provider: echo, proxy: socks://x", 'E303 "proxy" must start with http://, https://, socks5://, socks5h:// or socks4a:// and name a host'),
        ("provider: echo, proxy: 'socks5://u:hunter2@x'", "E401 this proxy address holds a password (write socks5://user:${env:NAME}@host:port)"),
        ("provider: echo, proxy: 'socks5://u@x'", 'E303 "proxy" must hold a user name and a password, or neither'),
        ("provider: echo, transport: http2", "E303 \"transport\": input should be 'http1' or 'aiohttp', not \"http2\""),
        ("provider: echo, transport: http1, proxy: http://proxy.test", 'E303 "transport: http1" goes through no HTTP proxy (leave it out, or "proxy")'),
        ("provider: echo, set: {a: '${env:UPSTREAM_KEY}'}", "E404 a reference is not resolved here (references may stand in base_url, credentials, headers, proxy, settings of a channel)"),
        ("provider: echo, headers: {A: '${env:HOME}'}", "E402 variable HOME may not be read (allowed prefixes: UPSTREAM_)"),
        ("provider: openai, credentials: [plainkey]", "E401 a credential must be a reference to a key (write ${env:NAME} or ${file:PATH})"),
        ("provider: openai, credentials: [$OPENAI_API_KEY]", "E401 a credential must be a reference to a key (write ${env:OPENAI_API_KEY})"),
        ("provider: openai, credentials: [os.environ/OPENAI_API_KEY]", "E401 a credential must be a reference to a key (write ${env:OPENAI_API_KEY})"),
        ("provider: openai, credentials: ['sk-aaaaaaaaaaaa${env:UPSTREAM_KEY}']", "E401 a credential must be a reference to a key (write ${env:NAME} or ${file:PATH})"),
        ("provider: echo, headers: {authorization: Bearer x}", 'E401 header "authorization" must refer to its secret (write ${env:NAME} or ${file:PATH})'),
        ("provider: echo, headers: {X-Api-Key: x}", 'E401 header "X-Api-Key" must refer to its secret (write ${env:NAME} or ${file:PATH})'),
        ("provider: echo, headers: {X-Auth-Token: $TOKEN}", 'E401 header "X-Auth-Token" must refer to its secret (write ${env:TOKEN})'),
        ("provider: nobody, credentials: [plainkey]", ['E201 unknown provider "nobody"', "E401 a credential must be a reference to a key (write ${env:NAME} or ${file:PATH})"]),
        ("provider: echo, policies: []", 'E304 "policies" is not supported by this release (remove it)'),
        ("provider: echo, limits: {rpm: 0}", 'E303 "rpm": input should be greater than or equal to 1, not 0'),
        ("provider: echo, retry: {on: [5xx, 200]}", 'E303 "on": expected a status from 400 to 599, such as 429, 5xx or 500-503, not 200'),
        ("provider: echo, status_map: {200: 500}", 'E303 "200": not of the expected form, not "200"'),
        ("provider: echo, circuit: {rate: 120%}", 'E303 "rate": expected a share of more than 0% and at most 100%, such as 20%, not "120%"'),
        ("provider: echo, circuit: {cooldown: 10m}", 'E303 "longest" is shorter than "cooldown" (say how long a circuit stays open at most)'),
        ("provider: echo, drop: [model]", 'E303 "model" is decided by routing, not by "drop"'),
        ("provider: echo, system_prompt: {text: x, mode: before}", "E303 \"mode\": input should be 'prepend', 'append', 'override' or 'default', not \"before\""),
        ("provider: echo, system_prompt: {text: '${env:UPSTREAM_KEY}'}", "E404 a reference is not resolved here (references may stand in base_url, credentials, headers, proxy, settings of a channel)"),
        ("provider: echo, test: {every: 5m, model: n}", 'E303 this channel has no model "n" to test'),
        ("provider: anthropic, credentials: ['${env:UPSTREAM_KEY}'], test: {every: 5m, operation: embed}", 'E303 provider "anthropic" does not take the operation "embed"'),
    ],
)  # fmt: skip
def test_what_a_channel_may_not_say(tmp_path: Path, more: str, expected: str | list[str]) -> None:
    assert said(tmp_path, more) == (expected if isinstance(expected, list) else [expected])


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("base_url: https://x.example/v1", ["W308"]),
        ("base_url: https://x.example/openai/v1/", ["W308"]),
        ("base_url: https://x.example/v2", []),
        ("base_url: https://x.example", []),
        ("base_url: https://v1", []),
    ],
)
def test_an_address_that_repeats_the_version_of_the_paths_is_a_warning(
    tmp_path: Path, more: str, expected: list[str]
) -> None:
    found = said(tmp_path, f"provider: vllm, {more}")

    assert [each.split(" ")[0] for each in found] == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("proxy: http://x", TransportKind.AIOHTTP),
        ("proxy: socks5h://x", TransportKind.HTTP1),
        ("proxy: 'socks5://u:${env:UPSTREAM_KEY}@x', transport: aiohttp", TransportKind.AIOHTTP),
        ("proxy: 'SOCKS5://x', transport: http1", TransportKind.HTTP1),
    ],
)
def test_a_socks_proxy_leaves_the_choice_of_the_client(tmp_path: Path, more: str, expected: TransportKind) -> None:
    assert channel(tmp_path, f"provider: echo, {more}").transport is expected


def test_headers_that_present_no_key_may_be_literal(tmp_path: Path) -> None:
    built = channel(
        tmp_path, "provider: echo, headers: {X-Org: acme, Monkey: see, X-Api-Key: '', X-Key: 'a ${env:UPSTREAM_KEY_B}'}"
    )

    assert built.headers == (("X-Org", "acme"), ("Monkey", "see"), ("X-Api-Key", ""), ("X-Key", "a vendor-secret-b"))
