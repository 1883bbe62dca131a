"""Addresses that the console's section names, checked as far as text can be: pages, origins, people, chat clients.

Each function says what is wrong with a text, without quoting it, or returns None.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from clinx.config.places import url_problem

KEY: Final = "{key}"
"""Where a chat link takes a person's key."""

_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})+")
_LOCAL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LONGEST_LOCAL: Final = 64
_LONGEST_EMAIL: Final = 254
_NAMED: Final = re.compile(r'(?P<name>[^<>"\\\x00-\x1f\x7f-\x9f\u2028\u2029]{1,100}?) ?<(?P<email>[^<>]+)>')
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):")
_REFUSED: Final = frozenset({"javascript", "data", "vbscript", "file"})
"""Schemes that run or read something in the browser of whoever follows the link."""
_WEB: Final = frozenset({"http", "https"})
_BLANK: Final = re.compile(r"[\s\x00-\x20\x7f-\x9f]")
_PORTS: Final = {"http": 80, "https": 443}


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or its address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def page_problem(text: str) -> str | None:
    """Say why this is not the address of a server that browsers may trust, if so: https, or http on this machine."""
    if (problem := url_problem(text)) is not None:
        return problem
    parts = urlsplit(text)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        return "must start with https:// (http:// is for this machine)"
    return None


def picture_problem(text: str) -> str | None:
    """Say why this is not the address of a picture, if so: as of a page, but with a query if it likes."""
    return page_problem(text.replace("?", "/"))


def origin_problem(text: str) -> str | None:
    """Say why this is not an origin, if so: a scheme and a host, and a port if it is not the usual one."""
    if (problem := page_problem(text)) is not None:
        return problem
    return "must end after the host or its port" if urlsplit(text).path or text.endswith(("?", "#")) else None


def origin(text: str) -> str:
    """Write an origin as browsers do: in lower case, without the usual port."""
    parts = urlsplit(text)
    host = parts.netloc.lower()
    return f"{parts.scheme}://{host.removesuffix(f':{_PORTS[parts.scheme]}')}"


def is_domain(text: str) -> bool:
    """Whether a text is the name of a domain, such as ``example.com``; others than ASCII letters as ``xn--``."""
    return _DOMAIN.fullmatch(text) is not None


def email_problem(text: str) -> str | None:
    """Say why this is not an e-mail address, if so."""
    local, _, domain = text.rpartition("@")
    if len(text) > _LONGEST_EMAIL or len(local) > _LONGEST_LOCAL:
        return "is too long for an e-mail address"
    if _LOCAL.fullmatch(local) is None or not (is_domain(domain) or domain == "localhost"):
        return "is not an e-mail address"
    return None


def sender_problem(text: str) -> str | None:
    """Say why this is not whom an e-mail may be from, if so: ``Name <address>``, or an address."""
    found = _NAMED.fullmatch(text)
    return email_problem(text if found is None else found["email"])


def chat_link_problem(text: str) -> str | None:
    """Say why people should not be sent to this address with a key, if so."""
    if _BLANK.search(text):
        return "must not contain spaces"
    found = _SCHEME.match(text)
    if found is None:
        return "must start with https:// or with the scheme of an app, such as app://"
    if found[1] in _REFUSED:
        return f"must not start with {found[1]}:"
    if found[1] in _WEB and not _has_host(text):
        return "must name a host"
    return None if KEY in text else f"must hold {KEY}, where the key belongs"


def _has_host(text: str) -> bool:
    try:
        return bool(urlsplit(text).hostname)
    except ValueError:
        return False
