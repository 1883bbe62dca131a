"""Addresses of people: plain enough that no server and no header can take them for anything else."""

from __future__ import annotations

import re
from email.utils import parseaddr
from typing import Final, NamedTuple

LONGEST: Final = 254
"""Characters of an address (RFC 5321)."""

_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL: Final = re.compile(rf"(?=.{{1,64}}\Z){_ATOM}(?:\.{_ATOM})*")
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


class Mailbox(NamedTuple):
    """Who an e-mail comes from."""

    name: str
    """May be empty."""
    address: str

    @property
    def domain(self) -> str:
        """What is behind the sign."""
        return self.address.rpartition("@")[2]


def wire_address(text: str) -> str:
    """Return an address as servers take it: ASCII, the names of other scripts as IDNA writes them.

    Raises:
        ValueError: it is no address of the usual kind; quoted ones and bare numbers are not.
    """
    local, at, domain = text.rpartition("@")
    try:
        name = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    address = f"{local}@{name}"
    if not at or len(address) > LONGEST or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(name):
        raise ValueError("not an e-mail address")
    return address


def sender(text: str) -> Mailbox:
    """Read ``Name <address>`` or an address.

    Raises:
        ValueError: it is neither.
    """
    name, address = parseaddr(text)
    return Mailbox(re.sub(r"[\x00-\x1f\x7f]+", " ", name).strip(), wire_address(address))
