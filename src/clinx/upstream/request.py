"""What is sent upstream: built from the tree and an encoded body; of the caller's headers only what a dialect says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final, NamedTuple
from urllib.parse import quote

from msgspec import Struct, structs
from yarl import URL

from clinx.dialects.base import StoredQuestion
from clinx.domain.catalog import Channel, Credential, Timeouts, TransportKind, UpstreamEndpoint
from clinx.domain.provider_balance import BalanceQuestion
from clinx.domain.proxy import socks_proxy
from clinx.domain.template import Template
from clinx.errors import InvalidRequest, UpstreamMisconfigured
from clinx.upstream.stages import Stage, misconfigured

_OURS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that frame the message or the answer, or are about the connection: the tree cannot set them."""

_OF_MODEL = frozenset({"model", "deployment"})
_REMEMBERED = 4096
"""Entries; those of trees long gone would pile up otherwise."""

_BREAKS = ("\r", "\n", "\0")
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Way(NamedTuple):
    """How the network is reached; what is equal may share connections."""

    kind: TransportKind
    proxy: str | None


def way_of(channel: Channel) -> Way:
    """Return how a channel's requests go; through an HTTP proxy there is only one client."""
    is_http = channel.proxy is not None and socks_proxy(channel.proxy) is None
    return Way(TransportKind.AIOHTTP if is_http else channel.transport, channel.proxy)


DIRECT: Final = Way(TransportKind.HTTP1, None)
"""The way of a channel that says nothing about it."""


class UpstreamRequest(Struct, frozen=True):
    """One HTTP request, complete."""

    method: str
    url: URL
    headers: Mapping[str, str]
    body: bytes
    timeouts: Timeouts
    way: Way = DIRECT


class _Prepared(NamedTuple):
    """What is constant for a channel, an endpoint and a credential; the values it was made from keep it honest."""

    channel: Channel
    endpoint: UpstreamEndpoint
    headers: Mapping[str, str] | None
    """None when a header names the model."""
    url: URL | None
    """None when the address names the model."""
    whole: Timeouts
    """The deadlines of an answer that is not streamed."""
    way: Way


class RequestBuilder:
    """Builds requests, and remembers what is constant in them."""

    def __init__(self, builtin: Mapping[str, str], user_agent: str) -> None:
        """Take the addresses behind ``builtin:`` names, and how we introduce ourselves."""
        self._builtin = builtin
        self._user_agent = user_agent
        self._prepared: dict[tuple[int, int, str], _Prepared] = {}

    def build(  # noqa: PLR0913  (the narrow values of one attempt)
        self,
        channel: Channel,
        endpoint: UpstreamEndpoint,
        credential: Credential,
        upstream_model: str,
        body: bytes,
        *,
        accept_stream: bool,
        request_id: str,
        passed_on: Mapping[str, str] = _NOTHING,
    ) -> UpstreamRequest:
        """Return the request for one attempt; ``body`` is JSON, sent as it is.

        Of the caller's headers there are those that are ``passed_on``; one that the channel sets is the channel's.

        Raises:
            InvalidRequest: the address names the model, and this name would change the address.
            UpstreamMisconfigured: a header holds a line break, or the address is none.
        """
        endpoint = (endpoint.streaming or endpoint) if accept_stream else endpoint
        prepared = self._prepare(channel, endpoint, credential)
        headers, url = prepared.headers, prepared.url
        if headers is None or url is None:
            values = _values(channel, credential, upstream_model)
            headers = headers if headers is not None else self._headers(channel, values)
            url = url if url is not None else self._url(channel, endpoint, values)
        accept = "text/event-stream" if accept_stream else "application/json"
        sent = {"Accept": accept, **headers, "X-Request-Id": request_id}
        if passed_on:
            own = {name.lower() for name, _ in channel.headers}
            for name, value in passed_on.items():
                if name.lower() not in own:
                    _put(sent, name, value)
        timeouts = channel.timeouts if accept_stream else prepared.whole
        return UpstreamRequest("POST", url, sent, body, timeouts, prepared.way)

    def about(  # noqa: PLR0913  (the narrow values of one attempt)
        self,
        channel: Channel,
        endpoint: UpstreamEndpoint,
        credential: Credential,
        upstream_model: str,
        question: StoredQuestion,
        *,
        accept_stream: bool,
        request_id: str,
        passed_on: Mapping[str, str] = _NOTHING,
    ) -> UpstreamRequest:
        """Return a request without a body, about an answer that was made at an endpoint: its path begins there.

        Raises:
            InvalidRequest, UpstreamMisconfigured: as `build`.
        """
        request = self.build(
            channel,
            endpoint,
            credential,
            upstream_model,
            b"",
            accept_stream=accept_stream,
            request_id=request_id,
            passed_on=passed_on,
        )
        headers = {name: value for name, value in request.headers.items() if name.lower() != "content-type"}
        path = f"{request.url.raw_path.rstrip('/')}/{quote(question.id, safe='')}{question.rest}"
        query = "&".join(f"{quote(name, safe='[]')}={quote(value, safe='')}" for name, value in question.query)
        query = "&".join(filter(None, (request.url.raw_query_string, query)))
        url = URL(f"{request.url.origin()}{path}{f'?{query}' if query else ''}", encoded=True)
        return structs.replace(request, method=question.method, url=url, headers=headers)

    def balance(
        self, channel: Channel, question: BalanceQuestion, credential: Credential, *, request_id: str
    ) -> UpstreamRequest:
        """Return the request that asks what is left on the account of a credential.

        Raises:
            UpstreamMisconfigured: as `build`.
        """
        values = _values(channel, credential, "")
        headers = {"Accept": "application/json", **self._headers(channel, values, question.headers)}
        body = b"{}" if question.method == "POST" else b""
        sent = {name: value for name, value in headers.items() if body or name.lower() != "content-type"}
        sent["X-Request-Id"] = request_id
        url = self._url(channel, question, values)
        return UpstreamRequest(question.method, url, sent, body, channel.timeouts, way_of(channel))

    def _prepare(self, channel: Channel, endpoint: UpstreamEndpoint, credential: Credential) -> _Prepared:
        # Identities, because a channel of the next generation may carry the same name; the entry keeps both alive,
        # so an identity is never taken over by another object.
        key = (id(channel), id(endpoint), credential.fingerprint)
        found = self._prepared.get(key)
        if found is None:
            if len(self._prepared) >= _REMEMBERED:
                self._prepared.clear()
            values = _values(channel, credential, "")
            by_model = _name_model(template for _, template in channel.provider.headers)
            headers = None if by_model else self._headers(channel, values)
            queries = (*channel.provider.query, *endpoint.query)
            by_model = _name_model((endpoint.path, *(template for _, template in queries)))
            url = None if by_model else self._url(channel, endpoint, values)
            whole = replace(channel.timeouts, first_byte=channel.timeouts.whole)
            found = self._prepared[key] = _Prepared(channel, endpoint, headers, url, whole, way_of(channel))
        return found

    def _headers(
        self, channel: Channel, values: Mapping[str, str], more: tuple[tuple[str, Template], ...] = ()
    ) -> Mapping[str, str]:
        headers = {"User-Agent": self._user_agent, "Content-Type": "application/json"}
        rendered = _filled((*channel.provider.headers, *more), values)
        for name, value in (*rendered, *channel.headers):
            if any(mark in value for mark in _BREAKS):
                # It could not be written later, as a defect of ours; the value may be a secret and is not shown.
                raise _unusable(f"header {name} of channel {channel.name} holds a line break")
            if name.lower() not in _OURS:
                _put(headers, name, value)
        return {**headers, "Accept-Encoding": "identity"}

    def _url(self, channel: Channel, endpoint: UpstreamEndpoint | BalanceQuestion, values: Mapping[str, str]) -> URL:
        base = self._builtin.get(channel.base_url, channel.base_url)
        if _OF_MODEL.intersection(endpoint.path.names):
            _check_segments(values["model"])
        quoted = {name: quote(value, safe="") for name, value in values.items()}
        pairs = (
            f"{quote(name, safe='')}={value}"
            for name, value in _filled((*channel.provider.query, *endpoint.query), quoted)
        )
        address, _, query = base.partition("?")
        query = "&".join(filter(None, (query, *pairs)))
        text = address.rstrip("/") + endpoint.path.render(quoted) + (f"?{query}" if query else "")
        url = URL(text, encoded=True)
        if not _is_usable(url):
            raise _unusable(f"channel {channel.name} has no usable address")
        return url


def _values(channel: Channel, credential: Credential, model: str) -> dict[str, str]:
    settings = {**channel.provider.settings, **channel.settings}
    deployment = model.replace(".", "") if settings.get("strip_dots") == "true" else model
    named = {f"settings.{name}": value for name, value in settings.items()}
    return {**named, "key": credential.secret, "model": model, "deployment": deployment}


def _filled(templates: Iterable[tuple[str, Template]], values: Mapping[str, str]) -> list[tuple[str, str]]:
    """Render; what would present an empty key is left out, for a server without keys must not be shown half of one."""
    return [
        (name, template.render(values)) for name, template in templates if values["key"] or "key" not in template.names
    ]


def _name_model(templates: Iterable[Template]) -> bool:
    return any(_OF_MODEL.intersection(template.names) for template in templates)


def _put(headers: dict[str, str], name: str, value: str) -> None:
    """Set a header, replacing one that differs only in case."""
    for known in [known for known in headers if known.lower() == name.lower()]:
        del headers[known]
    headers[name] = value


def _is_usable(url: URL) -> bool:
    """Whether it is a web address, without a user who would be taken for the credential."""
    try:
        return url.scheme in {"http", "https"} and bool(url.raw_host) and not url.raw_user
    except ValueError:
        return False


def _check_segments(model: str) -> None:
    """Refuse a name that would walk up the path: a pattern forwards what the caller wrote."""
    if any(segment in {".", ".."} for segment in model.replace("\\", "/").split("/")):
        raise InvalidRequest("This model name cannot be used.", param="model")


def _unusable(detail: str) -> UpstreamMisconfigured:
    return misconfigured(Stage.REQUEST, detail)
