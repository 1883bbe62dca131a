"""Tree to Snapshot. Pure but for the secrets that the tree refers to: the same tree gives the same snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from clinx.config.advice import advise, idle
from clinx.config.channels import DEFAULT_GROUP, ChannelCompiler, refuse_references
from clinx.config.console import ConsoleCompiler
from clinx.config.declared import Declared, Entry, declare
from clinx.config.diagnostics import ConfigError, Diagnostic, errors, ordered
from clinx.config.document import DocumentReader
from clinx.config.payments import PaymentsCompiler
from clinx.config.policies import compile_policies
from clinx.config.prices import compile_price
from clinx.config.providers import compile_provider
from clinx.config.references import check_references
from clinx.config.rollout_terms import compile_rollout
from clinx.config.salvage import independent
from clinx.config.schema import InvitationsShape, ModelShape, ServerShape
from clinx.config.secrets import SecretResolver
from clinx.config.snapshot import Concurrency, Disconnect, Revision, Server, Snapshot
from clinx.config.tree import Tree
from clinx.dialects.base import Dialect
from clinx.domain.catalog import Channel, Group, Model
from clinx.domain.console import Console
from clinx.domain.invitation import Rewards
from clinx.domain.money import ZERO
from clinx.domain.payments import Payments
from clinx.domain.pricing import Price
from clinx.domain.steering import Strategy
from clinx.routing.pattern import Pattern, is_pattern
from clinx.routing.table import RouteTable


@dataclass(frozen=True, slots=True)
class Compiled:
    """A snapshot, and what was noticed on the way."""

    snapshot: Snapshot
    diagnostics: tuple[Diagnostic, ...]
    """Warnings only."""


def compile_tree(
    tree: Tree,
    *,
    secrets: SecretResolver,
    dialects: Mapping[str, Dialect],
    at: datetime,
    reader: DocumentReader | None = None,
) -> Compiled:
    """Compile a tree; a reader that is kept between calls saves parsing what did not change.

    Afterwards ``secrets.files`` names the files the tree refers to, whether or not it compiled.

    Raises:
        ConfigError: the tree has errors; it holds every finding, warnings too.
    """
    found: list[Diagnostic] = list(tree.diagnostics)
    declared = declare(tree, reader or DocumentReader(), found)
    found.extend(check_references(declared))
    channels = _channels(declared, secrets, dialects, found)
    models = _models(declared, found)
    payments = _payments(declared, secrets, found)
    console = _console(declared, secrets, found)
    policies = compile_policies(declared, tree.files, found)
    rollout = compile_rollout(declared, found)
    _refuse_strays(declared, found)
    found.extend(advise(declared, models))
    diagnostics = ordered(found)
    if errors(diagnostics):
        raise ConfigError(diagnostics)
    diagnostics = ordered((*diagnostics, *idle(declared)))
    snapshot = Snapshot(
        revision=Revision(tree.id, tree.commit, at),
        currency=declared.root.currency,
        groups=_groups(declared),
        models={name: model for name, model in models.items() if not is_pattern(name)},
        patterns=_patterns(models),
        channels={channel.name: channel for channel in channels},
        routes=RouteTable.build(channels),
        endpoints=tuple(endpoint for dialect in dialects.values() for endpoint in dialect.endpoints),
        server=_server(declared.root.server),
        invitations=_rewards(declared.root.invitations),
        payments=payments,
        policies=policies,
        console=console,
        rollout=rollout,
    )
    return Compiled(snapshot, diagnostics)


def _channels(
    declared: Declared, secrets: SecretResolver, dialects: Mapping[str, Dialect], found: list[Diagnostic]
) -> list[Channel]:
    shapes = {name: entry.shape for name, entry in declared.providers.items()}
    settings = {name: shape.settings if shape is not None else {} for name, shape in shapes.items()}
    compiler = ChannelCompiler(
        providers={name: compile_provider(entry, dialects, found) for name, entry in declared.providers.items()},
        required={
            name: frozenset(key for key, each in known.items() if each.default is None)
            for name, known in settings.items()
        },
        optional={
            name: frozenset(key for key, each in known.items() if each.default is not None)
            for name, known in settings.items()
        },
        secrets=secrets,
        found=found,
    )
    compiled = [compiler.compile(entry) for entry in declared.channels]
    return [channel for channel in compiled if channel is not None]


def _groups(declared: Declared) -> dict[str, Group]:
    groups = {DEFAULT_GROUP: Group(DEFAULT_GROUP)}
    shapes = {name: entry.shape for name, entry in declared.groups.items() if entry.shape is not None}
    for name, shape in shapes.items():
        multiplier = Fraction(1) if shape.multiplier is None else shape.multiplier
        strategy = None if shape.strategy is None else Strategy(shape.strategy)
        groups[name] = Group(name, multiplier, shape.description, tuple(shape.tries), strategy)
    return groups


def _models(declared: Declared, found: list[Diagnostic]) -> dict[str, Model]:
    models: dict[str, Model] = {}
    for name, entry in declared.models.items():
        shape = entry.shape
        price = _price(entry, declared.root.currency, found)
        if shape is not None and price is not None:
            models[name] = Model(
                name=name,
                price=price,
                context=shape.context,
                max_output=shape.max_output,
                grows=shape.hold == "growing",
                vendor=shape.vendor,
                encoding=shape.encoding,
                tags=tuple(shape.tags),
                is_lossy=shape.lossy == "allow",
                strategy=None if shape.strategy is None else Strategy(shape.strategy),
            )
    return models


def _price(entry: Entry[ModelShape], currency: str, found: list[Diagnostic]) -> Price | None:
    if entry.shape is not None:
        return compile_price(entry.shape, entry.node, currency, found)
    if entry.rest is not None:
        apart: list[Diagnostic] = []
        _price(entry.sound, currency, apart)
        found.extend(independent(apart))
    return None


def _patterns(models: Mapping[str, Model]) -> tuple[tuple[Pattern, Model], ...]:
    pairs = [(Pattern.parse(name), model) for name, model in models.items() if is_pattern(name)]
    return tuple(sorted(pairs, key=lambda pair: pair[0].order))


def _server(shape: ServerShape) -> Server:
    return Server(
        cors=tuple(shape.cors),
        trusted_proxies=tuple(shape.trusted_proxies),
        max_body=shape.max_body,
        body_timeout=shape.body_timeout,
        on_client_disconnect=Disconnect(shape.on_client_disconnect),
        retry_budget=shape.retry_budget,
        concurrency=_concurrency(shape),
        zone=shape.timezone,
        egress_allow=tuple(shape.egress_allow),
    )


def _concurrency(shape: ServerShape) -> Concurrency | None:
    caps = shape.concurrency
    if caps is None:
        return None
    return Concurrency(caps.total, caps.per_user, caps.per_token, shape.queue.length, shape.queue.wait)


def _rewards(shape: InvitationsShape) -> Rewards:
    return Rewards(shape.inviter or ZERO, shape.invitee or ZERO)


def _payments(declared: Declared, secrets: SecretResolver, found: list[Diagnostic]) -> Payments | None:
    shape, node = declared.root.payments, declared.root_node.map.get("payments")
    if shape is None or node is None:
        return None
    groups = {DEFAULT_GROUP, *declared.groups}
    return PaymentsCompiler(node, groups, declared.root.currency, secrets, found).compile(shape)


def _console(declared: Declared, secrets: SecretResolver, found: list[Diagnostic]) -> Console:
    shape, node = declared.root.console, declared.root_node.map.get("console")
    if shape is None or node is None:
        return Console()
    return ConsoleCompiler(node, {DEFAULT_GROUP, *declared.groups}, secrets, found).compile(shape)


def _refuse_strays(declared: Declared, found: list[Diagnostic]) -> None:
    for key, node in declared.root_node.map.items():
        if key not in {"channels", "profiles", "payments", "console"}:
            refuse_references(node, found)
    for entry in (*declared.groups.values(), *declared.models.values(), *declared.rules):
        refuse_references(entry.node, found)
