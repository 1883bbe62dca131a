"""Readers of command-line values: amounts, instants, networks, comma-separated names."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from clinx.accounts.failures import AccountError
from clinx.accounts.tokens import parse_networks
from clinx.domain.identity import Network
from clinx.domain.money import Amount

_SPAN: Final = re.compile(r"(\d{1,6})([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def amount(text: str) -> Amount:
    """Read ``2.50``, exactly."""
    try:
        return Amount.parse(text)
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def expiry(text: str, such_as: str = "30d or 12h") -> datetime | timedelta:
    """Read a span from now (``30d``, ``12h``) or an instant (``2030-01-31``, ``2030-01-31T12:00+02:00``; else UTC)."""
    if span := _SPAN.fullmatch(text):
        return timedelta(**{_UNITS[span[2]]: int(span[1])})
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        message = f"not a span such as {such_as}, nor a date such as 2030-01-31: {text!r}"
        raise argparse.ArgumentTypeError(message) from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def span(text: str) -> timedelta:
    """Read a length of time: ``7d``, ``12h``."""
    if found := _SPAN.fullmatch(text):
        return timedelta(**{_UNITS[found[2]]: int(found[1])})
    raise argparse.ArgumentTypeError(f"not a span such as 7d or 12h: {text!r}")


def network(text: str) -> Network:
    """Read an address or a CIDR range."""
    try:
        return parse_networks([text])[0]
    except AccountError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def names(text: str) -> frozenset[str]:
    """Read ``a,b``."""
    found = frozenset(name.strip() for name in text.split(",") if name.strip())
    if not found:
        raise argparse.ArgumentTypeError("no name is given")
    return found
