"""What every shape of a document begins with, and the forms of texts that many of them take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict

NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
MODEL_NAME: Final = r"^[^\s?\[\]\x00-\x1f\x7f]{1,200}$"
CLOCK: Final = r"^([01]?[0-9]|2[0-4]):[0-5][0-9]-([01]?[0-9]|2[0-4]):[0-5][0-9]$"
ISSUER: Final = r"^[a-z0-9-]{1,32}$"
LINE: Final = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,200}$"

FORMS: Final[Mapping[str, str]] = {
    NAME: "expected up to 64 letters, digits, -, _ and ., with a letter or digit first",
    MODEL_NAME: "expected up to 200 characters without spaces, ? and brackets",
    CLOCK: "expected a window such as 08:00-20:00",
    ISSUER: "expected up to 32 lower-case letters, digits and -",
    LINE: "expected one line of up to 200 characters",
}
"""What a text must look like, by its pattern, for people."""


class Shape(BaseModel):
    """Strict: no unknown keys, no conversions."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, use_attribute_docstrings=True)
