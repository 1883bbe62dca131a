"""A letter as bytes: headers that hold what they should and nothing else, a plain text and a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from clinx.mail.address import Mailbox, wire_address
from clinx.mail.template import Writing

_POLICY: Final = policy.SMTP.clone(cte_type="7bit", max_line_length=76)
"""Every server takes it: nothing in it is longer or higher than RFC 5321 promises."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a server is given."""

    sender: str
    to: str
    content: bytes = field(repr=False)


def seal(writing: Writing, to: str, sender: Mailbox, *, at: datetime, id_: str) -> Envelope:
    """Write the bytes; ``id_`` is unique, and the same when the same letter is handed over again.

    Raises:
        ValueError: what it is to go to is no address.
    """
    address = wire_address(to)
    message = EmailMessage(policy=_POLICY)
    message["From"] = Address(sender.name, addr_spec=sender.address)
    message["To"] = Address(addr_spec=address)
    message["Subject"] = writing.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{id_}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # Nobody's absence is to be answered to us.
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(writing.text)
    message.add_alternative(writing.html, subtype="html")
    return Envelope(sender.address, address, message.as_bytes())
