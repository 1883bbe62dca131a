"""An e-mail before it is written: whom to, which template, in which language, and what it says of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from clinx.domain.console import Language


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be sent. The values may hold secrets, such as a link that resets a password."""

    to: str
    """An address."""
    template: str
    language: Language
    values: Mapping[str, str] = field(repr=False)
    """Plain text, by parameter of the template."""
