from collections.abc import Callable

import pytest

from clinx.accounts.failures import AccountError
from clinx.accounts.oauth import refusals


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (refusals.StateUnknown, "state_unknown"),
        (refusals.Denied, "denied"),
        (refusals.IssuerUnavailable, "issuer_unavailable"),
        (refusals.IssuerRefused, "issuer_refused"),
        (refusals.NotSignedIn, "not_signed_in"),
        (refusals.OriginRefused, "origin_refused"),
        (refusals.ReturnRefused, "return_refused"),
    ],
)
def test_a_refusal_is_a_code_that_never_changes_and_says_nothing_of_what_was_sent(
    kind: Callable[[], AccountError], code: str
):
    refusal = kind()

    assert (refusal.code, dict(refusal.parameters)) == (code, {})
    assert len(str(refusal).split()) > 3
