import hashlib
import hmac

from clinx.notify.signature import sign


def test_the_body_is_signed_with_and_without_its_time():
    headers = sign("secret", b'{"a":1}', 1893456000)

    assert headers == {
        "X-Clinx-Signature": "t=1893456000,v1=" + _hmac(b'1893456000.{"a":1}'),
        "X-Webhook-Signature": _hmac(b'{"a":1}'),
    }


def test_the_known_answer_of_rfc_4231():
    headers = sign("Jefe", b"what do ya want for nothing?", 0)

    assert headers["X-Webhook-Signature"] == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def test_without_a_secret_nothing_is_signed():
    assert sign("", b"{}", 0) == {}


def _hmac(text: bytes) -> str:
    return hmac.new(b"secret", text, hashlib.sha256).hexdigest()
