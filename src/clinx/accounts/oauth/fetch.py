"""The door to issuers: JSON over HTTPS, small and soon, or not at all."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec

from clinx.accounts.oauth.refusals import IssuerRefused, IssuerUnavailable

JSON: Final[Mapping[str, str]] = {"Accept": "application/json"}
_FORM: Final[Mapping[str, str]] = {**JSON, "Content-Type": "application/x-www-form-urlencoded"}
_OK: Final = 200
_SERVER_FAILED: Final = 500
_TOO_MANY: Final = 429

T = TypeVar("T")


class Fetch(Protocol):
    """One question to a server, under the rules of egress.

    What implements it follows no redirect, reads at most a mebibyte, takes at most ten seconds, and reaches public
    addresses only, unless the operator allows others.
    """

    async def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> tuple[int, bytes]:
        """Return the status and the body.

        Raises:
            OSError: there is no answer: not in time, too large, or from where none may come.
        """
        ...


async def get(fetch: Fetch, url: str, *, shape: type[T], headers: Mapping[str, str] = JSON) -> T:
    """Return the JSON that an issuer shows.

    Raises:
        AccountError: it is not there, or is something else.
    """
    return _read(*await _ask(fetch, "GET", url, headers, None), shape)


async def post(
    fetch: Fetch, url: str, form: Mapping[str, str], *, headers: Mapping[str, str] | None = None
) -> Mapping[str, Any]:
    """Send a form and return the JSON object that answers it.

    Raises:
        AccountError: the issuer says no, or does not answer in JSON.
    """
    asked = await _ask(fetch, "POST", url, {**_FORM, **(headers or {})}, urlencode(form).encode())
    return _read(*asked, dict[str, Any])


def is_safe(url: str) -> bool:
    """Whether what is sent there cannot be read on the way: https, or a loopback address."""
    try:
        split = urlsplit(url)
        host = split.hostname or ""
    except ValueError:
        return False
    return bool(host) and (split.scheme == "https" or (split.scheme == "http" and _is_loopback(host)))


async def _ask(
    fetch: Fetch, method: str, url: str, headers: Mapping[str, str], body: bytes | None
) -> tuple[int, bytes]:
    if not is_safe(url):
        raise IssuerUnavailable
    try:
        return await fetch(method, url, headers, body)
    except OSError as error:
        raise IssuerUnavailable from error


def _read(status: int, body: bytes, shape: type[T]) -> T:
    if status != _OK:
        away = status >= _SERVER_FAILED or status == _TOO_MANY
        raise IssuerUnavailable if away else IssuerRefused
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise IssuerUnavailable from error


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
