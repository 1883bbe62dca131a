from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from clinx.config.channel_changes import ChannelChange, channel_changes, unreachable
from clinx.config.rule_changes import KeyChange
from clinx.config.snapshot import Snapshot
from clinx.routing.table import RouteTable
from support.tree import compile_files

CHANNEL = """\
version: 1
models: {m: {price: free}, n: {price: free}}
channels:
  - name: c
    provider: openai-compatible
    base_url: https://a.example/one
    credentials: ["${env:UPSTREAM_KEY}"]
    models: [m]
    weight: 1
    headers: {X-Org: acme}
"""


def snapshot(folder: Path, text: str) -> Snapshot:
    return compile_files(folder, {"gateway.yaml": text}).snapshot


def test_a_change_shows_both_values_unless_they_may_be_secret(tmp_path: Path) -> None:
    after = (
        CHANNEL.replace("weight: 1", "weight: 2")
        .replace("a.example/one", "b.example/two")
        .replace("[m]\n", "[m, {n: m}]\n")
        .replace("acme", "other")
        .replace('"${env:UPSTREAM_KEY}"', '"${env:UPSTREAM_KEY}", "${env:UPSTREAM_KEY_B}"')
    )

    assert channel_changes(snapshot(tmp_path / "a", CHANNEL), snapshot(tmp_path / "b", after)) == (
        ChannelChange(
            "c",
            (
                KeyChange("base_url", "https://a.example", "https://b.example"),
                KeyChange("credentials", "1 keys", "2 keys"),
                KeyChange("models", "m", "m, n: m"),
                KeyChange("weight", "1", "2"),
                KeyChange("headers", None, None),
            ),
        ),
    )


def test_values_that_look_alike_are_only_said_to_have_changed(tmp_path: Path) -> None:
    after = CHANNEL.replace("a.example/one", "a.example/two").replace("UPSTREAM_KEY}", "UPSTREAM_KEY_B}")

    (change,) = channel_changes(snapshot(tmp_path / "a", CHANNEL), snapshot(tmp_path / "b", after))

    assert change.keys == (KeyChange("base_url", None, None), KeyChange("credentials", None, None))


def test_a_channel_whose_provider_takes_nothing_is_unreachable(tmp_path: Path) -> None:
    whole = snapshot(tmp_path, CHANNEL)
    channel = replace(whole.channels["c"], provider=replace(whole.channels["c"].provider, endpoints=()))

    assert unreachable(whole) == frozenset()
    assert unreachable(replace(whole, routes=RouteTable.build([channel]))) == {"c"}
