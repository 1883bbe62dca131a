"""What a vendor says to us and callers are not to read: keys, and where upstreams are.

A refusal is passed on in the vendor's words, and vendors quote: the key they were given, the host they run on, the
address they saw. Such words are replaced by an ellipsis; the sentence around them stays.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from typing import Final

MASK: Final = "…"

_HOST: Final = re.compile(r"(?i)\b(https?://)[^\s/?#\"'<>\\]+")
_BEARER: Final = re.compile(r"(?i)\b(bearer\s+)\S+")
_SECRET_KEY: Final = re.compile(r"(?i)(?<![^\W_])sk[-_][\w*…-]+(?:\.[\w*…-]+)*")
_IPV4: Final = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?(?![\w.]?\w)", re.ASCII)
_IPV6: Final = re.compile(
    r"\[(?P<in_brackets>[0-9a-f:.]{2,45})(?:%\w+)?\](?::\d{1,5})?"
    r"|(?<![\w:.])(?P<bare>[0-9a-f:]{2,30}:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:]{2,39})(?![\w:])",
    re.IGNORECASE | re.ASCII,
)
_KEY_LIKE: Final = re.compile(r"[\w*+/=.-]{24,}", re.ASCII)
_WORD: Final = r"(?:[a-z]{1,15}|[0-9]{1,2})"
_WORDS: Final = re.compile(rf"\.?{_WORD}(?:[._]{_WORD})*\.?")
"""A long name of a parameter or an error, such as ``response_format.json_schema``: nothing but short words."""


def masked(text: str) -> str:
    """Return the text without keys, hosts of URLs, and addresses."""
    text = _HOST.sub(rf"\1{MASK}", text)
    text = _BEARER.sub(rf"\1{MASK}", text)
    text = _SECRET_KEY.sub(MASK, text)
    text = _IPV6.sub(_without_address, text)
    text = _IPV4.sub(MASK, text)
    return _KEY_LIKE.sub(_without_key, text)


def _without_address(found: re.Match[str]) -> str:
    try:
        IPv6Address(found["in_brackets"] or found["bare"])
    except ValueError:
        return found[0]
    return MASK


def _without_key(found: re.Match[str]) -> str:
    return found[0] if _WORDS.fullmatch(found[0]) else MASK
