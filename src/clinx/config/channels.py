"""Channel documents to `clinx.domain.catalog.Channel`, with their secrets resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final
from urllib.parse import urlsplit

from clinx.config import channel_rules
from clinx.config.channel_schema import TimeoutsShape
from clinx.config.declared import Entry
from clinx.config.diagnostics import Diagnostic, did_you_mean, errors
from clinx.config.nodes import Mark, Node, json_text
from clinx.config.places import MANAGED_HEADERS, placeholder_proxy, proxy_problem, url_problem, version_twice
from clinx.config.prices import compile_cost
from clinx.config.providers import ROUTED
from clinx.config.salvage import independent
from clinx.config.schema import ChannelShape
from clinx.config.secrets import (
    HINT,
    PLACEHOLDER,
    SecretError,
    SecretResolver,
    beside_references,
    has_reference,
    is_literal,
    looks_secret,
    reference_hint,
)
from clinx.domain.catalog import Channel, Credential, Provider, Timeouts, TransportKind
from clinx.domain.ledger import Unresolved
from clinx.routing.pattern import is_pattern

DEFAULT_GROUP: Final = "default"
"""The group that exists without being declared, and that sees a channel which names none."""

REFERRING: Final = frozenset({"credentials", "headers", "base_url", "settings", "proxy"})
"""Keys of a channel whose values may hold references."""


@dataclass(slots=True)
class ChannelCompiler:
    """Compiles channels against the providers of the same tree."""

    providers: Mapping[str, Provider | None]
    """By name; None for one that is broken, which has been reported."""
    required: Mapping[str, frozenset[str]]
    """Settings that have no default, by provider."""
    optional: Mapping[str, frozenset[str]]
    secrets: SecretResolver
    found: list[Diagnostic]

    def compile(self, entry: Entry[ChannelShape]) -> Channel | None:
        """Return the channel; None when something is wrong with it, which is then in ``found``."""
        if entry.shape is not None:
            return self._compile(entry, entry.shape)
        if entry.rest is not None:
            apart = replace(self, found=[])
            apart.compile(entry.sound)
            self.found.extend(independent(apart.found))
        return None

    def _compile(self, entry: Entry[ChannelShape], shape: ChannelShape) -> Channel | None:
        before = len(self.found)
        provider = self._provider(entry, shape)
        # Without a provider the rest is checked all the same.
        base_url = self._base_url(entry, shape, provider)
        credentials = tuple(self._credentials(entry, shape, provider))
        models = self._models(entry, shape)
        headers = tuple(self._headers(entry, shape))
        members = tuple(self._set(entry, shape))
        settings = self._settings(entry, shape, provider)
        proxy = self._proxy(entry, shape)
        transport = self._transport(entry, shape, proxy)
        self.found.extend(channel_rules.check_rules(entry, shape, provider, models))
        cost = compile_cost(shape.cost, entry.node.at(("cost",)), self.found) if shape.cost is not None else None
        self._refuse_strays(entry.node)
        if provider is None or errors(self.found[before:]):
            return None
        return Channel(
            name=shape.name,
            provider=provider,
            base_url=base_url,
            credentials=credentials,
            models=models,
            groups=tuple(dict.fromkeys(shape.groups or (DEFAULT_GROUP,))),
            priority=shape.priority,
            weight=shape.weight,
            tags=frozenset(shape.tags),
            headers=headers,
            set=members,
            drop=tuple(self._drop(entry, shape)),
            settings=settings,
            proxy=proxy,
            transport=transport,
            timeouts=_timeouts(shape.timeouts),
            retry=channel_rules.retry_rule(shape.retry),
            circuit=channel_rules.circuit_rule(shape.circuit),
            limits=channel_rules.limits(shape.limits),
            status_map=channel_rules.status_map(shape.status_map),
            system_prompt=channel_rules.system_prompt(shape.system_prompt),
            thinking_to_content=shape.thinking_to_content,
            test=channel_rules.channel_test(shape.test),
            unresolved=provider.unresolved if shape.unresolved is None else Unresolved(shape.unresolved),
            cost=cost,
        )

    def _report(self, mark: Mark, code: str, message: str, hint: str | None = None) -> None:
        self.found.append(mark.finding(code, message, hint))

    def _provider(self, entry: Entry[ChannelShape], shape: ChannelShape) -> Provider | None:
        if shape.provider is None:
            self._report(entry.mark, "E302", 'missing key "provider"', "name a file of providers/, or extend a profile")
            return None
        if shape.provider not in self.providers:
            mark = entry.node.at(("provider",))
            hint = did_you_mean(shape.provider, self.providers)
            self._report(mark, "E201", f'unknown provider "{shape.provider}"', hint)
        return self.providers.get(shape.provider)

    def _models(self, entry: Entry[ChannelShape], shape: ChannelShape) -> dict[str, str]:
        if shape.models is None:
            self._report(entry.mark, "E302", 'missing key "models"', "list the public model names")
            return {}
        offered: dict[str, str] = {}
        for index, wish in enumerate(shape.models):
            mark = entry.node.at(("models", index))
            for public, upstream in wish.items() if isinstance(wish, dict) else [(wish, wish)]:
                if public in offered:
                    self._report(mark, "E206", f'model "{public}" is offered twice by this channel')
                if is_pattern(upstream) and upstream != public:
                    self._report(mark, "E303", f'"{upstream}" is a pattern, not the name of a model upstream')
                offered[public] = upstream
        return offered

    def _base_url(self, entry: Entry[ChannelShape], shape: ChannelShape, provider: Provider | None) -> str:
        if shape.base_url is None:
            if provider is not None and not provider.base_url:
                self._report(entry.mark, "E302", 'missing key "base_url"', f'provider "{provider.name}" has none')
            return provider.base_url if provider is not None else ""
        mark = entry.node.at(("base_url",))
        url = self._resolve(shape.base_url, mark, fallback="http://placeholder.invalid") or ""
        if url and (problem := url_problem(url)) is not None:
            self._report(mark, "E303", f'"base_url" {problem}')
        elif provider is not None and (doubled := version_twice(url, provider.endpoints, mark)) is not None:
            self.found.append(doubled)
        return url.rstrip("/")

    def _credentials(
        self, entry: Entry[ChannelShape], shape: ChannelShape, provider: Provider | None
    ) -> Iterator[Credential]:
        wishes = shape.credentials or []
        if not wishes and provider is not None and provider.needs_key:
            hint = "list ${env:NAME} or ${file:PATH}"
            self._report(entry.mark, "E302", 'missing key "credentials"', hint)
        for index, wish in enumerate(wishes):
            mark = entry.node.at(("credentials", index))
            if wish in wishes[:index]:
                self._report(mark, "E206", "this credential is listed twice")
            if is_literal(wish):
                self._report(mark, "E401", "a credential must be a reference to a key", reference_hint(wish))
            elif (secret := self._resolve(wish, mark)) is not None:
                yield Credential(secret, wish)

    def _headers(self, entry: Entry[ChannelShape], shape: ChannelShape) -> Iterator[tuple[str, str]]:
        for name, text in shape.headers.items():
            mark = entry.node.at(("headers", name))
            if name.lower() in MANAGED_HEADERS:
                self._report(entry.node.key_at(("headers", name)), "E303", f'header "{name}" belongs to the connection')
            if _presents_a_key(name) and text.strip() and is_literal(text):
                self._report(mark, "E401", f'header "{name}" must refer to its secret', reference_hint(text))
            elif _may_hold_a_secret(name) and looks_secret(beside_references(text)):
                self._report(mark, "E401", "this looks like a secret", HINT)
            elif (value := self._resolve(text, mark)) is not None:
                yield name, value

    def _set(self, entry: Entry[ChannelShape], shape: ChannelShape) -> Iterator[tuple[str, bytes]]:
        for name, value in shape.set.items():
            if name in ROUTED:
                mark = entry.node.key_at(("set", name))
                self._report(mark, "E303", f'"{name}" is decided by routing, not by "set"')
            yield name, json_text(value)

    def _drop(self, entry: Entry[ChannelShape], shape: ChannelShape) -> Iterator[str]:
        for index, name in enumerate(shape.drop):
            if name in ROUTED:
                mark = entry.node.at(("drop", index))
                self._report(mark, "E303", f'"{name}" is decided by routing, not by "drop"')
            yield name

    def _settings(self, entry: Entry[ChannelShape], shape: ChannelShape, provider: Provider | None) -> dict[str, str]:
        required = self.required[provider.name] if provider is not None else frozenset[str]()
        known = required | self.optional[provider.name] if provider is not None else frozenset(shape.settings)
        values = dict(provider.settings) if provider is not None else {}
        for name, text in shape.settings.items():
            if provider is not None and name not in known:
                hint = did_you_mean(name, known)
                mark = entry.node.key_at(("settings", name))
                self._report(mark, "E210", f'provider "{provider.name}" has no setting "{name}"', hint)
            elif (value := self._resolve(text, entry.node.at(("settings", name)))) is not None:
                values[name] = value
        for name in sorted(required - shape.settings.keys()):
            self._report(entry.mark, "E212", f'provider "{shape.provider}" needs the setting "{name}"')
        return values

    def _proxy(self, entry: Entry[ChannelShape], shape: ChannelShape) -> str | None:
        if shape.proxy is None:
            return None
        mark = entry.node.at(("proxy",))
        proxy = self._resolve(shape.proxy, mark, fallback=placeholder_proxy(shape.proxy, shape.transport))
        if proxy is not None and (problem := proxy_problem(proxy)) is not None:
            self._report(mark, "E303", f'"proxy" {problem}')
        elif not has_reference(shape.proxy) and (parts := urlsplit(shape.proxy)).password:
            hint = f"write {parts.scheme}://user:${{env:NAME}}@host:port"
            self._report(mark, "E401", "this proxy address holds a password", hint)
        return proxy

    def _transport(self, entry: Entry[ChannelShape], shape: ChannelShape, proxy: str | None) -> TransportKind:
        is_http = proxy is not None and not proxy.lower().startswith("socks")
        needed = TransportKind.AIOHTTP if is_http else TransportKind.HTTP1
        wished = needed if shape.transport is None else TransportKind(shape.transport)
        if wished is TransportKind.HTTP1 and needed is TransportKind.AIOHTTP:
            mark = entry.node.at(("transport",))
            self._report(mark, "E303", '"transport: http1" goes through no HTTP proxy', 'leave it out, or "proxy"')
        return wished

    def _resolve(self, text: str, mark: Mark, *, fallback: str = PLACEHOLDER) -> str | None:
        try:
            return self.secrets.resolve(text)
        except SecretError as error:
            if error.code == "E403" and self.secrets.placeholders:
                self._report(mark, "W403", str(error), error.hint)
                return fallback
            self._report(mark, error.code, str(error), error.hint)
            return None

    def _refuse_strays(self, node: Node) -> None:
        for key, child in node.map.items():
            if key not in REFERRING:
                refuse_references(child, self.found)


def refuse_references(node: Node, found: list[Diagnostic]) -> None:
    """Report references where nothing resolves them: they would be served as they stand."""
    if isinstance(node.value, str) and has_reference(node.value):
        hint = f"references may stand in {', '.join(sorted(REFERRING))} of a channel"
        found.append(node.mark.finding("E404", "a reference is not resolved here", hint))
    for child in (*node.map.values(), *node.items):
        refuse_references(child, found)


def _presents_a_key(name: str) -> bool:
    """Whether a header is there to present a secret, whatever that looks like."""
    return name.lower().endswith(("authorization", "-key", "-token"))


def _may_hold_a_secret(name: str) -> bool:
    return any(word in name.lower() for word in ("authorization", "key", "token", "secret", "cookie"))


def _timeouts(shape: TimeoutsShape) -> Timeouts:
    given: dict[str, Any] = {
        each.name: value for each in fields(Timeouts) if (value := getattr(shape, each.name)) is not None
    }
    return Timeouts(**given)
