"""Every letter in every language."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from clinx.domain.console import Language
from clinx.domain.letter import Letter
from clinx.mail.chinese import CHINESE
from clinx.mail.english import ENGLISH
from clinx.mail.template import SERVICE, Template, Writing, write

CATALOGUES: Final[Mapping[Language, Mapping[str, Template]]] = MappingProxyType(
    {Language.ENGLISH: ENGLISH, Language.CHINESE: CHINESE}
)
"""By language, then by template."""


def check(letter: Letter) -> None:
    """Refuse a letter that could not be written.

    Raises:
        ValueError: there is no such template, or a value is missing.
    """
    if missing := _template(letter).required - letter.values.keys():
        raise ValueError(f"letter {letter.template!r} lacks values: {', '.join(sorted(missing))}")


def compose(letter: Letter, service: str) -> Writing:
    """Write a letter of a service.

    Raises:
        ValueError: there is no such template, or a value is missing.
    """
    return write(_template(letter), letter.language, {**letter.values, SERVICE: service})


def _template(letter: Letter) -> Template:
    template = CATALOGUES[letter.language].get(letter.template)
    if template is None:
        raise ValueError(f"there is no letter {letter.template!r}")
    return template
