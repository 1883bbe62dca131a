import hashlib
import re

from clinx.accounts.secret import digest, generate, hint


def test_a_secret_is_48_random_letters_and_digits():
    secrets = {generate() for _ in range(200)}

    assert len(secrets) == 200
    assert all(re.fullmatch(r"sk-[0-9A-Za-z]{48}", secret) for secret in secrets)
    assert len(set("".join(secrets))) == 62 + 1


def test_only_the_digest_of_the_whole_is_kept():
    assert digest("sk-abc") == hashlib.sha256(b"sk-abc").hexdigest()
    assert digest("sk-abc") != digest("abc")
    assert len(digest("\ud800")) == 64


def test_a_hint_shows_six_characters():
    assert hint("sk-abcdefghijklmnopqrstuvwxyz") == "sk-ab…wxyz"
