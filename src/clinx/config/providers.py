"""Provider documents to `clinx.domain.catalog.Provider`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from clinx.config.balances import balance_rule
from clinx.config.conditions import PARAM_NAMES, ConditionError, Expression, compile_condition
from clinx.config.declared import Entry
from clinx.config.diagnostics import Diagnostic, did_you_mean, errors
from clinx.config.nodes import Node, json_text
from clinx.config.places import BUILTIN_ECHO, url_problem, version_twice
from clinx.config.provider_context import ProviderContext, headers_of, templates
from clinx.config.provider_schema import EndpointShape, ParamShape, ProviderShape, StreamingShape
from clinx.config.salvage import independent
from clinx.config.secrets import has_reference, looks_secret
from clinx.domain.catalog import ParamRule, Provider, StreamEnd, UpstreamEndpoint, UsageInStream
from clinx.domain.ledger import Unresolved
from clinx.domain.operation import Operation
from clinx.domain.template import Template

LABELS: Final[Mapping[str, tuple[str, Operation]]] = {
    "chat": ("openai_chat", Operation.CHAT),
    "completions": ("openai_chat", Operation.COMPLETE),
    "responses": ("openai_responses", Operation.CHAT),
    "embeddings": ("openai_embeddings", Operation.EMBED),
    "messages": ("anthropic", Operation.CHAT),
    "count_tokens": ("anthropic", Operation.COUNT_TOKENS),
    "generate_content": ("gemini", Operation.CHAT),
    "embed_content": ("gemini", Operation.EMBED),
    "batch_embed_contents": ("gemini", Operation.EMBED_BATCH),
}
"""Label of an endpoint to its usual dialect and its operation."""

ROUTED: Final = frozenset({"model", "stream"})
"""Members of a body that decide where it goes and how it comes back: never set by the tree."""


def compile_provider(
    entry: Entry[ProviderShape], dialects: Collection[str], found: list[Diagnostic]
) -> Provider | None:
    """Return the provider; None when something is wrong with it, which is then in ``found``."""
    if entry.shape is not None:
        return _compile(entry.name, ProviderContext(entry.node, entry.shape, dialects, found))
    if entry.rest is not None:
        apart: list[Diagnostic] = []
        _compile(entry.name, ProviderContext(*entry.rest, dialects, apart, is_rest=True))
        found.extend(independent(apart))
    return None


def _compile(name: str, context: ProviderContext) -> Provider | None:
    shape, found = context.shape, context.found
    before = len(found)
    _refuse_secrets(context.node, found)
    provider = Provider(
        name=name,
        base_url=_base_url(context),
        endpoints=tuple(_endpoints(context)),
        headers=tuple(headers_of(context, ("auth", "headers"), shape.auth.headers, frozenset({"key", "model"}))),
        query=tuple(templates(context, ("auth", "query"), shape.auth.query, frozenset({"key", "model"}))),
        params=tuple(_param(context, i, param) for i, param in enumerate(shape.params)),
        usage_in_stream=UsageInStream(shape.stream.usage),
        stream_end=StreamEnd(shape.stream.end),
        inline_thinking=shape.inline_thinking,
        thinking_begun=shape.thinking_begun,
        reasoning_history=shape.reasoning_history,
        unresolved=Unresolved(shape.unresolved),
        settings={name: each.default for name, each in shape.settings.items() if each.default is not None},
        needs_key=shape.needs_key,
        balance=balance_rule(context),
    )
    if errors(found[before:]):
        return None
    if (doubled := version_twice(provider.base_url, provider.endpoints, context.mark("base_url"))) is not None:
        found.append(doubled)
    return provider


def _base_url(context: ProviderContext) -> str:
    url = context.shape.base_url
    if url is None or url == BUILTIN_ECHO:
        return url or ""
    if (problem := url_problem(url)) is not None:
        context.found.append(context.mark("base_url").finding("E303", f'"base_url" {problem}'))
    return url.rstrip("/")


def _endpoints(context: ProviderContext) -> Iterator[UpstreamEndpoint]:
    for label, (usual, operation) in LABELS.items():
        endpoint: EndpointShape | None = getattr(context.shape.endpoints, label)
        if endpoint is None:
            continue
        dialect = endpoint.dialect or usual
        if dialect not in context.dialects:
            place = context.mark("endpoints", label, "dialect")
            hint = did_you_mean(dialect, context.dialects)
            context.found.append(place.finding("E204", f'unknown dialect "{dialect}"', hint))
        address = _address(context, ("endpoints", label), endpoint)
        streaming = endpoint.streaming and _address(context, ("endpoints", label, "streaming"), endpoint.streaming)
        yield UpstreamEndpoint(
            operation, dialect, *address, streaming and UpstreamEndpoint(operation, dialect, *streaming)
        )


def _address(
    context: ProviderContext, place: tuple[str, ...], shape: EndpointShape | StreamingShape
) -> tuple[Template, tuple[tuple[str, Template], ...]]:
    holes = frozenset({"model", "deployment"})
    path = dict(templates(context, place, {"path": shape.path}, holes))
    return path["path"], tuple(templates(context, (*place, "query"), shape.query, holes))


def _param(context: ProviderContext, index: int, param: ParamShape) -> ParamRule:
    for verb in ("rename", "drop", "default", "set"):
        for name in ROUTED.intersection(_touched(getattr(param, verb))):
            mark = context.mark("params", index, verb)
            context.found.append(mark.finding("E303", f'"{name}" is decided by routing, not by a rule'))
    return ParamRule(
        when=_when(context, index, param.when),
        rename=tuple(param.rename.items()),
        drop=tuple(param.drop),
        default=tuple((name, json_text(value)) for name, value in param.default.items()),
        set=tuple((name, json_text(value)) for name, value in param.set.items()),
    )


def _touched(rule: Mapping[str, Any] | list[str]) -> list[str]:
    names = list(rule)
    if isinstance(rule, dict):
        names.extend(value for value in rule.values() if isinstance(value, str))
    return names


def _when(context: ProviderContext, index: int, source: str | None) -> Expression | None:
    if source is None:
        return None
    try:
        return compile_condition(source, PARAM_NAMES)
    except ConditionError as error:
        mark = context.mark("params", index, "when")
        context.found.append(mark.finding("E306", f"condition: {error}", error.hint))
        return None


def _refuse_secrets(node: Node, found: list[Diagnostic]) -> None:
    """Providers are shared between operators: neither secrets nor references to them."""
    if isinstance(node.value, str):
        if has_reference(node.value):
            found.append(node.mark.finding("E404", "a provider holds no references", "put it on the channel"))
        elif looks_secret(node.value) and " " not in node.value and "/" not in node.value:
            found.append(node.mark.finding("E401", "this looks like a secret", "put ${env:NAME} on the channel"))
    for child in (*node.map.values(), *node.items):
        _refuse_secrets(child, found)
