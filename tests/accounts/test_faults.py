import pytest

from clinx.accounts.failures import EmailInvalid, NameInvalid, PasswordInvalid, Several
from clinx.accounts.faults import Faults

BAD = NameInvalid("no name")
WORSE = PasswordInvalid("no password")


def raising(error: Exception) -> str:
    raise error


def test_what_is_in_order_is_returned_and_passes() -> None:
    faults = Faults()

    assert faults.judged(lambda: "ann", "") == "ann"
    faults.refuse()


def test_one_fault_is_raised_as_it_is() -> None:
    faults = Faults()

    assert faults.judged(lambda: raising(BAD), "in its place") == "in its place"
    with pytest.raises(NameInvalid) as caught:
        faults.refuse()
    assert caught.value is BAD


def test_several_are_raised_together_also_those_that_were_found_together() -> None:
    faults, more = Faults(), Several([WORSE, EmailInvalid("no address")])
    faults.judged(lambda: raising(BAD), "")
    faults.judged(lambda: raising(more), "")

    with pytest.raises(Several) as caught:
        faults.refuse()
    assert caught.value.found == (BAD, *more.found)


def test_a_defect_is_no_fault() -> None:
    with pytest.raises(KeyError):
        Faults().judged(lambda: raising(KeyError("ours")), "")
