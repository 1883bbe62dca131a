from clinx.accounts import failures
from clinx.accounts.failures import AccountError, EmailInvalid, Several, TooManyAttempts


def test_every_failure_has_a_code_of_its_own():
    kinds = [kind for kind in vars(failures).values() if isinstance(kind, type) and issubclass(kind, AccountError)]
    codes = [kind.code for kind in kinds if kind is not Several]

    assert len(codes) > 20
    assert sorted(set(codes)) == sorted(codes)
    assert [code for code in codes if not code.replace("_", "").isalpha() or code != code.lower()] == []


def test_a_failure_says_it_to_people_and_to_programs():
    error = EmailInvalid("addresses of this domain are not let in", reason="domain", domain="x.org")

    assert (str(error), error.code) == ("addresses of this domain are not let in", "email_invalid")
    assert error.parameters == {"reason": "domain", "domain": "x.org"}


def test_a_refusal_of_more_attempts_says_how_long_to_wait():
    error = TooManyAttempts(90)

    assert (str(error), error.retry_after) == ("too many attempts; try again in 90 s", 90)
    assert error.parameters == {"retry_after": 90}


def test_several_failures_are_kept_in_order_and_said_together():
    found = [EmailInvalid("this is not an e-mail address"), TooManyAttempts(90)]

    error = Several(found)

    assert error.found == tuple(found)
    assert str(error) == "this is not an e-mail address; too many attempts; try again in 90 s"
