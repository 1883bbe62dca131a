from clinx.billing.journal.failures import JournalFailed


def test_a_caller_is_told_that_billing_is_unavailable_and_to_come_back():
    failure = JournalFailed()

    assert (failure.code, failure.status, failure.retry_after) == ("billing_unavailable", 503, 1)
    assert failure.message == "The gateway cannot write down what it is about to do."
