import hashlib
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from clinx.accounts.oauth.trip import Trip, email_of, is_browser, name_of, new_browser


def test_what_binds_a_trip_is_made_of_the_browser_s_secret():
    trip, same, other = (Trip("s", browser, "https://gw/cb") for browser in ("b1", "b1", "b2"))

    assert (trip.nonce, trip.verifier) == (same.nonce, same.verifier)
    assert len({trip.nonce, trip.verifier, other.nonce, other.verifier}) == 4
    assert [len(text) for text in (trip.nonce, trip.verifier, trip.challenge)] == [43] * 3
    digest = hashlib.sha256(trip.verifier.encode()).digest()
    assert trip.challenge == urlsafe_b64encode(digest).rstrip(b"=").decode()


def test_a_trip_shows_none_of_its_secrets():
    assert repr(Trip("state-1", "browser-1", "https://gw/cb")) == "Trip(callback='https://gw/cb')"


def test_browsers_get_secrets_of_their_own():
    drawn = {new_browser() for _ in range(100)}

    assert len(drawn) == 100
    assert all(map(is_browser, drawn))


@pytest.mark.parametrize("text", ["", "a" * 42, "a" * 44, "a" * 42 + "=", "a" * 42 + "\n", "ä" * 43])
def test_nothing_else_is_one(text: str):
    assert not is_browser(text)


@pytest.mark.parametrize(
    ("value", "email"),
    [
        ("Ann@Example.ORG", "ann@example.org"),
        (" ann@example.org ", "ann@example.org"),
        ("ann+x@sub.example.org", "ann+x@sub.example.org"),
        ("ann", None),
        ("@example.org", None),
        ("ann@localhost", None),
        ("ann b@example.org", None),
        ("ann@example.org\nBcc: x@y.z", None),
        ("änn@example.org", None),
        ("a" * 250 + "@example.org", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_addresses_are_taken_in_lower_case_or_not_at_all(value: Any, email: str | None):
    assert email_of(value) == email


def test_the_first_name_that_is_one_is_taken_without_what_cannot_be_printed():
    assert name_of(None, 7, "", "\u202e\x00", "  李雷 \n ", "later") == "李雷"
    assert name_of("a" * 100) == "a" * 64
    assert name_of() == ""
