import pytest

from clinx.accounts.failures import Unsealable
from clinx.accounts.sealing import Sealer

KEY = b"k" * 32


@pytest.mark.parametrize("text", ["", "JBSWY3DPEHPK3PXP", "密码 ✓", "\ud800", "x" * 10_000])
def test_what_is_sealed_opens_for_its_purpose_and_its_owner(text: str):
    sealed = Sealer(KEY).seal(text, "totp", 7)

    assert Sealer(KEY).open(sealed, "totp", 7) == text
    assert sealed.isascii()
    assert not text or text not in sealed


def test_the_same_text_is_never_sealed_alike():
    sealer = Sealer(KEY)

    assert sealer.seal("x", "totp", 7) != sealer.seal("x", "totp", 7)


@pytest.mark.parametrize(("key", "purpose", "owner"), [(b"l" * 32, "totp", 7), (KEY, "webhook", 7), (KEY, "totp", 8)])
def test_it_opens_for_nothing_else(key: bytes, purpose: str, owner: int):
    sealed = Sealer(KEY).seal("JBSWY3DPEHPK3PXP", "totp", 7)

    with pytest.raises(Unsealable):
        Sealer(key).open(sealed, purpose, owner)


@pytest.mark.parametrize("damage", ["", "v1.", "v2.AAAA", "v1.AAAA", "v1.!", "v1.ä", "x"])
def test_what_is_damaged_does_not_open(damage: str):
    with pytest.raises(Unsealable):
        Sealer(KEY).open(damage, "totp", 7)


def test_every_byte_counts():
    sealed = Sealer(KEY).seal("x", "totp", 7)

    for at in range(3, len(sealed) - 2):
        changed = sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :]
        with pytest.raises(Unsealable):
            Sealer(KEY).open(changed, "totp", 7)
