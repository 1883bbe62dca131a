import hashlib
from dataclasses import replace
from fractions import Fraction

from clinx.domain.catalog import NO_CREDENTIAL, Credential, Group, Provider, UpstreamEndpoint
from clinx.domain.operation import Operation
from clinx.domain.template import Template

CHAT = UpstreamEndpoint(Operation.CHAT, "openai_chat", Template.parse("/v1/chat/completions"))


def test_a_provider_takes_an_operation_in_a_dialect():
    provider = Provider("acme", "https://api.acme.example", (CHAT,))

    assert provider.endpoint(Operation.CHAT, "openai_chat") is CHAT
    assert provider.endpoint(Operation.CHAT, "anthropic") is None
    assert provider.endpoint(Operation.EMBED, "openai_chat") is None


def test_a_credential_shows_its_fingerprint_and_never_its_secret():
    credential = Credential("sk-very-secret", "${env:ACME_KEY}")

    assert credential.fingerprint == hashlib.sha256(b"sk-very-secret").hexdigest()[:8]
    assert "very-secret" not in repr(credential)
    assert NO_CREDENTIAL.secret == ""


def test_a_group_says_its_factor_as_receipts_write_it():
    vip = Group("vip", Fraction("0.8"))

    assert (vip.factor, replace(vip, multiplier=Fraction(1)).factor) == ("x 0.8 of vip", "x 1 of vip")
