"""Why somebody does not come in by the word of others. What is true of every way in is in `accounts.failures`."""

from __future__ import annotations

from clinx.accounts.failures import AccountError


class StateUnknown(AccountError):
    """The trip was not begun here, not in this browser, is over, or was ended before."""

    code = "state_unknown"

    def __init__(self) -> None:
        """Say so."""
        super().__init__("this sign-in was not begun in this browser, or is over")


class Denied(AccountError):
    """The person, or the issuer for them, said no."""

    code = "denied"

    def __init__(self) -> None:
        """Say so."""
        super().__init__("access was denied at the issuer")


class IssuerUnavailable(AccountError):
    """The issuer does not answer, or not in a way that makes sense."""

    code = "issuer_unavailable"

    def __init__(self) -> None:
        """Say so; why is in the cause."""
        super().__init__("the issuer does not answer, or makes no sense")


class IssuerRefused(AccountError):
    """The issuer did not accept what it was shown, or its word does not hold."""

    code = "issuer_refused"

    def __init__(self) -> None:
        """Say so; why is in the cause."""
        super().__init__("the issuer vouches for nobody")


class EmailNotAllowed(AccountError):
    """Addresses of this domain are not let in."""

    code = "email_not_allowed"


class NotSignedIn(AccountError):
    """Only somebody who is signed in, the same from beginning to end, can bind an identity."""

    code = "not_signed_in"

    def __init__(self) -> None:
        """Say so."""
        super().__init__("to bind an identity, sign in first")


class OriginRefused(AccountError):
    """A page of another site asked."""

    code = "origin_refused"

    def __init__(self) -> None:
        """Say so."""
        super().__init__("only pages of the console may ask for this")


class ReturnRefused(AccountError):
    """The place to return to is not a path of the console."""

    code = "return_refused"

    def __init__(self) -> None:
        """Say so."""
        super().__init__("the place to return to is not a path of the console")
