from __future__ import annotations

from pathlib import Path

from clinx.domain.catalog import Channel, SystemMode, SystemPrompt, TransportKind
from clinx.domain.operation import Operation
from clinx.domain.resilience import Answers, ChannelLimits, ChannelTest, CircuitRule, RetryRule
from clinx.domain.steering import Strategy
from support.tree import compile_files, findings


def _channel(folder: Path, more: str) -> Channel:
    text = f"models: {{m: {{price: free}}}}\nchannels: [{{name: c, models: [m], provider: echo{more}}}]\n"
    return compile_files(folder, {"gateway.yaml": text}).snapshot.channels["c"]


def test_a_channel_that_says_nothing_has_the_defaults(tmp_path: Path) -> None:
    channel = _channel(tmp_path, "")

    assert (channel.retry, channel.circuit) == (RetryRule(), CircuitRule())
    assert (channel.limits, channel.test, channel.system_prompt, channel.status_map) == (None, None, None, {})


def test_what_a_channel_says_of_its_failures(tmp_path: Path) -> None:
    channel = _channel(
        tmp_path,
        ", retry: {attempts: 2, on: [429, 500-502, 5xx], texts: [Try Again]}, status_map: {400: 500},"
        " circuit: {failures: 3, rate: 25%, window: 30s, volume: 5, cooldown: 1s, longest: 1m,"
        " open_on: {statuses: [403], texts: [Balance]}}",
    )

    assert channel.retry == RetryRule(2, frozenset({429, *range(500, 600)}), ("try again",))
    assert channel.circuit == CircuitRule(3, 0.25, 30.0, 5, 1.0, 60.0, Answers(frozenset({403}), ("balance",)))
    assert channel.status_map == {400: 500}


def test_what_a_channel_takes_is_told_and_is_tested_with(tmp_path: Path) -> None:
    channel = _channel(
        tmp_path,
        ", limits: {rpm: 500, tpm: 200k, concurrency: 50}, system_prompt: {text: Be kind., mode: default},"
        " drop: [store], thinking_to_content: true, test: {every: 5m, model: m, operation: chat}",
    )

    assert channel.limits == ChannelLimits(500, 200_000, 50)
    assert channel.system_prompt == SystemPrompt("Be kind.", SystemMode.DEFAULT)
    assert (channel.drop, channel.thinking_to_content) == (("store",), True)
    assert channel.test == ChannelTest(300.0, "m", Operation.CHAT)


def test_a_channel_says_which_client_carries_its_requests(tmp_path: Path) -> None:
    said = ("", ", transport: http1", ", transport: aiohttp", ", proxy: http://proxy.test")

    carried = [_channel(tmp_path, more).transport for more in said]

    assert carried == [TransportKind.HTTP1, TransportKind.HTTP1, TransportKind.AIOHTTP, TransportKind.AIOHTTP]


def test_a_channel_of_patterns_has_nothing_to_be_tested_with(tmp_path: Path) -> None:
    text = 'models: {"m-*": {price: free}}\nchannels: [{name: c, models: ["m-*"], provider: echo, test: {every: 5m}}]\n'

    assert [str(each) for each in findings(tmp_path, {"gateway.yaml": text})] == [
        "gateway.yaml:2:61 E303 a channel of patterns has no model to test (list one model)"
    ]


def test_models_groups_and_the_server_say_how_and_how_often(tmp_path: Path) -> None:
    text = (
        "groups: {vip: {strategy: least_busy}}\nserver: {retry_budget: 5%}\n"
        "models: {m: {price: free, strategy: cheapest}}\n"
        "channels: [{name: c, models: [m], groups: [vip, default], provider: echo}]\n"
    )

    snapshot = compile_files(tmp_path, {"gateway.yaml": text}).snapshot

    assert snapshot.groups["vip"].strategy is Strategy.LEAST_BUSY
    assert snapshot.models["m"].strategy is Strategy.CHEAPEST
    assert snapshot.server.retry_budget == 0.05
