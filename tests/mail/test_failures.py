import pytest

from clinx.mail.failures import MailFailed, Reason


@pytest.mark.parametrize(
    ("failure", "text", "is_temporary"),
    [
        (MailFailed(Reason.REFUSED, code=451, status="4.7.1"), "refused (451 4.7.1)", True),
        (MailFailed(Reason.REFUSED, code=550), "refused (550)", False),
        (MailFailed(Reason.UNREACHABLE), "unreachable", True),
        (MailFailed(Reason.UNREACHABLE, code=554), "unreachable (554)", False),
        (MailFailed(Reason.TIMEOUT), "timeout", False),
        (MailFailed(Reason.BROKEN), "broken", False),
    ],
)
def test_only_what_cannot_have_worked_is_worth_another_try(failure: MailFailed, text: str, is_temporary: bool):
    assert str(failure) == text
    assert failure.is_temporary is is_temporary
