from __future__ import annotations

from pathlib import Path

import pytest

from clinx.config.secrets import (
    HINT,
    MAX_BYTES,
    PLACEHOLDER,
    SecretError,
    SecretResolver,
    begins_like_a_key,
    beside_references,
    fingerprint,
    has_reference,
    is_literal,
    looks_secret,
    reference_hint,
)
from support.tree import tree


@pytest.fixture
def secrets(tmp_path: Path) -> SecretResolver:
    root = tree(tmp_path / "tree", {"key": "from-a-file\n", "empty": "\n", "two": "a\nb", "big": "x" * (MAX_BYTES + 1)})
    tree(tmp_path, {"outside": "x"})
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "binary").write_bytes(b"\xff\xfe")
    return SecretResolver({"UPSTREAM_A": "alpha", "UPSTREAM_EMPTY": "", "HOME": "/root"}, root, ("UPSTREAM_",))


def test_references_are_replaced_wherever_they_stand(secrets: SecretResolver) -> None:
    assert secrets.resolve("${env:UPSTREAM_A}") == "alpha"
    assert secrets.resolve("Bearer ${env:UPSTREAM_A}/${file:key}") == "Bearer alpha/from-a-file"
    assert secrets.resolve("plain $5 {x}") == "plain $5 {x}"


def test_an_absolute_file_may_be_anywhere(secrets: SecretResolver, tmp_path: Path) -> None:
    assert secrets.resolve(f"${{file:{tmp_path / 'outside'}}}") == "x"


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("${env:HOME}", "E402", "variable HOME may not be read"),
        ("${env:UPSTREAM_B}", "E403", "variable UPSTREAM_B is not set"),
        ("${env:UPSTREAM_EMPTY}", "E403", "variable UPSTREAM_EMPTY is not set"),
        ("${env:A B}", "E404", '"A B" is not the name of a variable'),
        ("${file:../outside}", "E402", "file ../outside is outside the tree"),
        ("${file:link}", "E402", "file link is outside the tree"),
        ("${file:gone}", "E403", "file gone is missing or cannot be read"),
        ("${file:.}", "E403", "file . is missing or cannot be read"),
        ("${file:" + "x" * 300 + "}", "E403", f"file {'x' * 300} is missing or cannot be read"),
        ("${file:empty}", "E403", "file empty is empty"),
        ("${file:two}", "E403", "file two holds more than one line of text"),
        ("${file:big}", "E403", f"file big is larger than {MAX_BYTES} bytes"),
        ("${file:binary}", "E403", "file binary is not UTF-8 text"),
        ("${file:}", "E404", "not a path"),
        ("${vault:x}", "E404", 'unknown kind of reference "vault"'),
        ("${env:UPSTREAM_A", "E404", "broken reference"),
        ("${UPSTREAM_A}", "E404", "broken reference"),
    ],
)
def test_what_is_not_a_good_reference(secrets: SecretResolver, text: str, code: str, message: str) -> None:
    with pytest.raises(SecretError) as caught:
        secrets.resolve(text)

    assert (caught.value.code, str(caught.value)) == (code, message)


def test_a_star_opens_every_variable(secrets: SecretResolver) -> None:
    secrets.prefixes = ("*",)

    assert secrets.resolve("${env:HOME}") == "/root"


def test_referred_files_are_remembered_even_when_they_are_missing(secrets: SecretResolver) -> None:
    secrets.resolve("${file:key}")
    with pytest.raises(SecretError):
        secrets.resolve("${file:gone}")

    key, gone = secrets.root / "key", secrets.root / "gone"
    assert secrets.files == {key: fingerprint(key), gone: ""}
    key.write_text("rotated")
    assert fingerprint(key) != secrets.files[key]


def test_a_resolver_does_not_show_what_it_holds(secrets: SecretResolver) -> None:
    assert "alpha" not in repr(secrets)


@pytest.mark.parametrize(
    "text",
    [
        "sk-abcdefgh12345678",
        "AKIAIOSFODNN7EXAMPLE",
        "Bearer abcdefghij0123456789xyz",
        "9f86d081884c7d659a2feaa0c55ad015",
        "eyJhbGciOiJIUzI1",
    ],
)
def test_literals_that_look_like_secrets(text: str) -> None:
    assert looks_secret(text)


@pytest.mark.parametrize("text", ["EMPTY", "none", "ollama", "local-key", "${env:X}", "not-needed-for-this-server"])
def test_literals_that_do_not(text: str) -> None:
    assert not looks_secret(text)


def test_a_reference_is_meant_where_it_begins() -> None:
    assert has_reference("${env:X}")
    assert has_reference("a ${")
    assert not has_reference("$X {}")


@pytest.mark.parametrize("text", ["plainkey", "$X", "os.environ/X", "", "sk-abcdefgh12345678${env:X}"])
def test_what_holds_a_secret_itself(text: str) -> None:
    assert is_literal(text)


@pytest.mark.parametrize(
    "text", ["${env:X}", "Bearer ${file:a/b1c2d3e4f5a6b7c8d9e0f1}", "${env:LONG_NAME_0123456789_ABCDEF"]
)
def test_what_refers_to_one(text: str) -> None:
    assert not is_literal(text)


def test_what_stands_beside_references() -> None:
    assert beside_references("Bearer ${env:X}!") == "Bearer !"
    assert beside_references("plain") == "plain"
    assert beside_references("${env:X") == ""


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("$OPENAI_API_KEY", "write ${env:OPENAI_API_KEY}"),
        ("${OPENAI_API_KEY}", "write ${env:OPENAI_API_KEY}"),
        ("{OPENAI_API_KEY}", "write ${env:OPENAI_API_KEY}"),
        ("os.environ/OpenAI_Key", "write ${env:OpenAI_Key}"),
        ("env:OPENAI_API_KEY", "write ${env:OPENAI_API_KEY}"),
        (" Bearer $OPENAI_API_KEY", "write ${env:OPENAI_API_KEY}"),
        ("$ecret", HINT),
        ("plainkey", HINT),
        ("PLAINKEY", HINT),
        ("", HINT),
    ],
)
def test_the_notation_of_other_programs_is_understood_but_no_key_is_quoted(text: str, hint: str) -> None:
    assert reference_hint(text) == hint


def test_the_beginning_of_a_vendor_s_key_is_known_wherever_it_stands() -> None:
    assert begins_like_a_key("Bearer sk-0123456789abcdef")
    assert not begins_like_a_key("interleaved-thinking-2025-05-14")


def test_a_blind_resolver_reads_nothing_and_still_refuses_what_is_not_allowed(tmp_path: Path) -> None:
    blind = SecretResolver({"UPSTREAM_A": "alpha"}, tmp_path, ("UPSTREAM_",), blind=True)

    assert blind.resolve("${env:UPSTREAM_A} ${env:UPSTREAM_NONE} ${file:none}") == " ".join([PLACEHOLDER] * 3)
    assert blind.files == {}
    with pytest.raises(SecretError) as refused:
        blind.resolve("${env:HOME}")
    assert refused.value.code == "E402"
