from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from fractions import Fraction
from pathlib import Path

import pytest

from clinx.config.compile import compile_tree
from clinx.config.diagnostics import ConfigError, render
from clinx.config.snapshot import Disconnect, Server, Snapshot
from clinx.config.tree import default_tree, read_tree
from clinx.dialects.registry import DIALECTS
from clinx.domain.catalog import Channel, Group, Model, ParamRule, Provider
from clinx.domain.invitation import Rewards
from clinx.domain.money import ZERO, Amount
from clinx.domain.pricing import Rates
from clinx.domain.template import Template
from clinx.routing.table import Tiers
from support.tree import AT, SMALL, compile_files, resolver, tree

GOLDENS = Path(__file__).parents[1] / "goldens" / "config"
RULER = "----------\n"
FILE = re.compile(r"^# file: (\S+)\n", re.MULTILINE)


@pytest.mark.parametrize("golden", sorted(GOLDENS.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_golden_tree_compiles_to_what_is_written_below_it(golden: Path, tmp_path: Path) -> None:
    text, _, expected = golden.read_text().partition(RULER)
    _, *parts = FILE.split(text)
    root = tree(tmp_path, dict(zip(parts[::2], parts[1::2], strict=True)))

    assert _outcome(root) == expected


def _outcome(root: Path) -> str:
    try:
        compiled = compile_tree(read_tree(root, default_tree()), secrets=resolver(root), dialects=DIALECTS, at=AT)
    except ConfigError as error:
        return render(error.diagnostics, "text") + "\n"
    warnings = [str(each) for each in compiled.diagnostics]
    return "\n".join([*warnings, *_snapshot(compiled.snapshot)]) + "\n"


def _snapshot(snapshot: Snapshot) -> Iterator[str]:
    for group in snapshot.groups.values():
        yield from _group(group, snapshot)
    models = [*snapshot.models.values(), *(model for _, model in snapshot.patterns)]
    for model in models:
        yield from _model(model)
    used = {channel.provider.name: channel.provider for channel in snapshot.channels.values()}
    for provider in used.values():
        yield from _provider(provider)
    for channel in snapshot.channels.values():
        yield from _channel(channel)


def _group(group: Group, snapshot: Snapshot) -> Iterator[str]:
    tries = f" tries {', '.join(group.tries)}" if group.tries else ""
    yield f"group {group.name} x{group.multiplier}{tries}"
    for name in snapshot.routes.models(group.name):
        yield f"  {name}: {_tiers(snapshot.routes.tiers(group.name, name))}"


def _tiers(tiers: Tiers) -> str:
    return " then ".join(
        " or ".join(f"{route.channel.name}({route.upstream_model}) x{route.channel.weight}" for route in tier)
        for tier in tiers
    )


def _model(model: Model) -> Iterator[str]:
    said = {name: getattr(model, name) for name in ("context", "max_output", "vendor", "encoding", "tags")}
    yield " ".join([f"model {model.name}", *(f"{name}={value}" for name, value in said.items() if value)])
    for rates in model.price.tiers:
        yield f"  {_rates(rates)}"
    for case in model.price.cases:
        yield f"  if {case.condition.source}: {_rates(case.rates)}"


def _rates(rates: Rates) -> str:
    bound = f" upto {rates.upto}" if rates.upto is not None else ""
    return " ".join(f"{unit}={rate.amount}/{rate.per}" for unit, rate in rates.by_unit.items()) + bound


def _provider(provider: Provider) -> Iterator[str]:
    yield f"provider {provider.name} {provider.base_url or '(no address)'}"
    for endpoint in provider.endpoints:
        yield f"  {endpoint.operation} {endpoint.dialect} {_text(endpoint.path)}{_query(endpoint.query)}"
    for name, template in provider.headers:
        yield f"  {name}: {_text(template)}"
    if provider.query:
        yield f"  {_query(provider.query)}"
    for rule in provider.params:
        yield f"  {_rule(rule)}"
    stream = f"  usage {provider.usage_in_stream}, end {provider.stream_end}"
    yield f"{stream}, needs_key {provider.needs_key}, settings {dict(provider.settings)}"


def _text(template: Template) -> str:
    return "".join(part if i % 2 == 0 else f"{{{part}}}" for i, part in enumerate(template.parts))


def _query(query: tuple[tuple[str, Template], ...]) -> str:
    return "?" + "&".join(f"{name}={_text(template)}" for name, template in query) if query else ""


def _rule(rule: ParamRule) -> str:
    said = {each.name: getattr(rule, each.name) for each in fields(rule) if each.name != "when"}
    when = f" when {rule.when.source}" if rule.when is not None else ""
    return " ".join(f"{verb} {value}" for verb, value in said.items() if value) + when


def _channel(channel: Channel) -> Iterator[str]:
    yield f"channel {channel.name} {channel.provider.name} {channel.base_url}"
    keys = [f"{each.reference}={each.secret}" for each in channel.credentials]
    said = {
        "credentials": keys,
        "headers": channel.headers,
        "set": channel.set,
        "settings": dict(channel.settings),
        "proxy": channel.proxy,
        "tags": sorted(channel.tags),
        "cost": _rates(channel.cost) if channel.cost is not None else None,
    }
    for name, value in said.items():
        if value:
            yield f"  {name} {value}"
    yield f"  {channel.timeouts} {channel.retry}"


def test_the_shipped_tree_has_no_findings_at_all(tmp_path: Path) -> None:
    compiled = compile_files(tmp_path, {})

    assert compiled.diagnostics == ()
    assert compiled.snapshot.model("echo") is not None
    assert compiled.snapshot.groups["vip"].multiplier == Fraction(4, 5)


def test_the_same_tree_gives_the_same_snapshot(tmp_path: Path) -> None:
    first = compile_files(tmp_path / "a", {"gateway.yaml": SMALL})
    second = compile_files(tmp_path / "b", {"gateway.yaml": SMALL})

    assert first == second
    assert first.snapshot.revision.at == AT


def test_every_inbound_path_of_every_dialect_is_served(tmp_path: Path) -> None:
    snapshot = compile_files(tmp_path, {"gateway.yaml": SMALL}).snapshot

    assert [(each.method, each.path) for each in snapshot.endpoints] == [
        (each.method, each.path) for dialect in DIALECTS.values() for each in dialect.endpoints
    ]


def test_the_server_section_reaches_the_snapshot(tmp_path: Path) -> None:
    server = """
server:
  cors: [https://console.example, "*"]
  trusted_proxies: [10.0.0.0/8, "::1/128"]
  max_body: 1MiB
  body_timeout: 1.5s
  on_client_disconnect: drain
  egress_allow: [169.254.0.0/16]
"""
    built = compile_files(tmp_path, {"gateway.yaml": SMALL + server}).snapshot.server

    assert built.cors == ("https://console.example", "*")
    assert [str(network) for network in built.trusted_proxies] == ["10.0.0.0/8", "::1/128"]
    assert (built.max_body, built.body_timeout) == (2**20, 1.5)
    assert built.on_client_disconnect is Disconnect.DRAIN
    assert [str(network) for network in built.egress_allow] == ["169.254.0.0/16"]


def test_the_rewards_of_invitations_reach_the_snapshot(tmp_path: Path) -> None:
    both = compile_files(tmp_path, {"gateway.yaml": SMALL + 'invitations: {inviter: "1", invitee: 0.5}\n'})
    none = compile_files(tmp_path, {"gateway.yaml": SMALL + "invitations:\n"})

    assert both.snapshot.invitations == Rewards(inviter=Amount.parse("1"), invitee=Amount.parse("0.5"))
    assert none.snapshot.invitations == Rewards(inviter=ZERO, invitee=ZERO)


def test_sections_that_are_all_commented_out_are_empty(tmp_path: Path) -> None:
    snapshot = compile_files(tmp_path, {"gateway.yaml": "version: 1\nchannels:\nmodels:\ngroups:\nserver:\n"}).snapshot

    assert snapshot.channels == {}
    assert snapshot.groups == {"default": Group("default")}
    assert snapshot.server == Server()


def test_a_check_without_the_secrets_warns_and_goes_on(tmp_path: Path) -> None:
    text = SMALL.replace(
        "provider: echo",
        'provider: openai, credentials: ["${env:UPSTREAM_NOPE}"], base_url: "${file:/nowhere/url}"',
    )
    compiled = compile_files(tmp_path, {"gateway.yaml": text}, placeholders=True)

    assert [each.code for each in compiled.diagnostics] == ["W403", "W403"]
    assert [each.secret for each in compiled.snapshot.channels["main"].credentials] == ["placeholder"]


def test_what_cannot_be_served_leaves_no_secret_in_its_findings(tmp_path: Path) -> None:
    leaky = SMALL.replace(
        "provider: echo", "provider: openai, credentials: [[hunter2secret]], headers: {Authorization: [hunter2secret]}"
    )
    with pytest.raises(ConfigError) as caught:
        compile_files(tmp_path, {"gateway.yaml": leaky})

    assert "hunter2" not in str(caught.value)
