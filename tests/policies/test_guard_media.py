from __future__ import annotations

import base64

import pytest

from clinx.policies.guard_media import read_media
from clinx.policies.guard_string import FoundString

PLAIN = "our key is AKIA0123 and nobody must ever see it in any place at all"
ENCODED = base64.b64encode(b"a secret").decode()
PICTURE = base64.b64encode(bytes(range(200, 256))).decode()
PNG = ("media_type", "image/png")
BASE64 = ("type", "base64")


def looked_at(text: str, *kinds: tuple[str, str]) -> list[str]:
    read = read_media(FoundString(0, len(text) + 2, text), kinds)
    return [] if read is None else list(read.texts())


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (PICTURE, [BASE64, PNG]),
        (PICTURE + "\r\n" + PICTURE, [PNG]),
        (PICTURE, [("format", "wav")]),
        (PICTURE, [("type", "redacted_thinking")]),
        (f"data:application/pdf;base64,{PICTURE}", [("type", "file")]),
    ],
)
def test_pictures_sound_and_proofs_are_passed_over(text: str, kinds: list[tuple[str, str]]) -> None:
    assert looked_at(text, *kinds) == []


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (PLAIN, [("type", "text"), ("media_type", "text/plain")]),
        (PLAIN, [BASE64, PNG]),
        ("AKIA0123" * 8 + "=", [("type", "text"), PNG]),
        ("data:text/plain,AKIA0123", []),
        (PICTURE, []),
    ],
)
def test_what_has_spaces_or_is_said_to_be_text_is_looked_at_as_it_is(text: str, kinds: list[tuple[str, str]]) -> None:
    assert looked_at(text, *kinds)[0] == text


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "TEXT/markdown; charset=utf-8", "application/json", "application/atom+xml", "application/xml; q=1"],
)
def test_text_in_base64_is_looked_at_as_it_reads(kind: str) -> None:
    assert looked_at(ENCODED, BASE64, ("mimeType", kind)) == [ENCODED, "a secret"]


def test_text_within_an_address_and_of_no_kind_at_all_is_looked_at_as_it_reads() -> None:
    address = f"data:text/plain;base64,{ENCODED}"

    assert looked_at(address) == [address, "a secret"]
    assert looked_at(ENCODED) == [ENCODED, "a secret"]
    assert looked_at(base64.urlsafe_b64encode("ÿÿ¿".encode()).decode().rstrip("="))[1:] == ["ÿÿ¿"]
