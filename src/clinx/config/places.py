"""Addresses of upstreams, checked as far as text can be."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final
from urllib.parse import urlsplit

from clinx.config.diagnostics import Diagnostic
from clinx.config.nodes import Mark
from clinx.domain.catalog import UpstreamEndpoint
from clinx.domain.proxy import SocksKind, socks_proxy
from clinx.domain.template import Template

BUILTIN_ECHO: Final = "builtin:echo"
"""The echo server of this process."""

MANAGED_HEADERS: Final = frozenset(
    {
        "connection", "content-encoding", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te",
        "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
"""Headers of the connection itself: never set by the tree."""

_WEB: Final = frozenset({"http", "https"})
_HOST: Final = re.compile(r"[A-Za-z0-9._\-\[\]:]+")
_VERSION: Final = re.compile(r"v[0-9]\w*")
_SPACES: Final = re.compile(r"[\s\x00-\x20\x7f]")


def url_problem(text: str) -> str | None:
    """Say why this is not a base URL, if so."""
    if (problem := _address_problem(text, _WEB, "http:// or https://")) is not None:
        return problem
    return "must not hold a user name or password" if "@" in urlsplit(text).netloc else _stray(text)


def proxy_problem(text: str) -> str | None:
    """Say why this is not the address of a proxy, if so."""
    proxies = "http://, https://, socks5://, socks5h:// or socks4a://"
    if (problem := _address_problem(text, _WEB | frozenset(SocksKind), proxies)) is not None:
        return problem
    proxy = socks_proxy(text)
    return _stray(text) or (proxy and proxy.problem)


def placeholder_proxy(text: str, transport: str | None) -> str:
    """Return an address like the one that this text makes when its secrets are there."""
    scheme = text.partition("://")[0]
    if scheme in frozenset(SocksKind) or (transport == "http1" and scheme not in _WEB):
        return f"{SocksKind.SOCKS5}://placeholder.invalid"
    return "http://placeholder.invalid"


def _address_problem(text: str, schemes: Collection[str], in_words: str) -> str | None:
    if _SPACES.search(text):
        return "must not contain spaces"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return "is not an address"
    if parts.scheme not in schemes or not parts.hostname:
        return f"must start with {in_words} and name a host"
    if port == 0 or not _HOST.fullmatch(parts.netloc.rpartition("@")[2]):
        return "is not an address"
    return None


def _stray(text: str) -> str | None:
    parts = urlsplit(text)
    return "must not have a query or fragment" if parts.query or parts.fragment else None


def template_problem(text: str, holes: frozenset[str]) -> tuple[str, str | None] | None:
    """Say why a text is not a template over these holes: the code and the name that is unknown, if it is that."""
    try:
        template = Template.parse(text)
    except ValueError:
        return "E303", None
    unknown = next((name for name in template.names if name not in holes), None)
    return ("E211", unknown) if unknown is not None else None


def version_twice(url: str, endpoints: Iterable[UpstreamEndpoint], mark: Mark) -> Diagnostic | None:
    """Warn of a base URL that ends with the version its paths begin with: ``…/v1`` and ``/v1/chat/completions``."""
    version = urlsplit(url).path.rstrip("/").rpartition("/")[2]
    if not _VERSION.fullmatch(version):
        return None
    if not any(f"{endpoint.path.parts[0]}/".startswith(f"/{version}/") for endpoint in endpoints):
        return None
    message = f'"base_url" ends in /{version} and so do the paths begin: requests would go to /{version}/{version}'
    return mark.finding("W308", message, f"leave /{version} out of the address")
