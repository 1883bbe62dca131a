from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from multidict import CIMultiDict

from clinx.dialects.base import UpstreamProblem
from clinx.domain.resilience import Answers, CircuitRule, RetryRule
from clinx.errors import (
    GatewayError,
    UpstreamBroken,
    UpstreamMisconfigured,
    UpstreamOverloaded,
    UpstreamRefused,
    UpstreamTimeout,
)
from clinx.upstream.failures import Failure, Scope, VendorSaid, by_rules, cause_in_words, classify
from clinx.upstream.stages import Stage, broken
from support.channels import channel


@dataclass
class Case:
    status: int
    error: type[GatewayError]
    scope: Scope
    rest: float | None = None
    message: str | None = None
    type: str | None = None
    code: str | None = None
    param: str | None = None


def _classify(status: int, *, retry_after: str | None = None, **problem: Any) -> Failure:
    headers = CIMultiDict({"Retry-After": retry_after} if retry_after else {})
    return classify(status, headers, UpstreamProblem(**problem), b'{"error":{}}', "application/json")


CREDENTIAL, CHANNEL, REQUEST = Scope.CREDENTIAL, Scope.CHANNEL, Scope.REQUEST
CASES = [
    Case(401, UpstreamMisconfigured, CREDENTIAL, 60.0),
    Case(402, UpstreamMisconfigured, CREDENTIAL, 60.0),
    Case(403, UpstreamMisconfigured, CREDENTIAL, 60.0, message="Project has no access to this model."),
    Case(400, UpstreamMisconfigured, CREDENTIAL, 60.0, code="invalid_api_key"),
    Case(429, UpstreamMisconfigured, CREDENTIAL, 60.0, type="insufficient_quota"),
    Case(429, UpstreamMisconfigured, CREDENTIAL, 60.0, message="You exceeded your current quota, please check."),
    Case(429, UpstreamOverloaded, CREDENTIAL, 1.0, type="requests", code="rate_limit_exceeded"),
    Case(429, UpstreamOverloaded, CREDENTIAL, 1.0),
    Case(408, UpstreamTimeout, CHANNEL),
    Case(504, UpstreamTimeout, CHANNEL),
    Case(524, UpstreamTimeout, CHANNEL),
    Case(409, UpstreamBroken, CHANNEL),
    Case(425, UpstreamBroken, CHANNEL),
    Case(500, UpstreamBroken, CHANNEL),
    Case(502, UpstreamBroken, CHANNEL, message="insufficient balance of workers"),
    Case(503, UpstreamOverloaded, CHANNEL),
    Case(529, UpstreamOverloaded, CHANNEL),
    Case(404, UpstreamMisconfigured, CHANNEL, code="DeploymentNotFound", message="No such deployment."),
    Case(404, UpstreamMisconfigured, CHANNEL, message='model "x" not found'),
    Case(400, UpstreamMisconfigured, CHANNEL, code="model_not_found"),
    Case(404, UpstreamMisconfigured, CHANNEL),
    Case(405, UpstreamMisconfigured, CHANNEL),
    Case(410, UpstreamMisconfigured, CHANNEL),
    Case(307, UpstreamMisconfigured, CHANNEL),
    Case(400, UpstreamRefused, REQUEST, code="context_length_exceeded"),
    Case(400, UpstreamRefused, REQUEST, code="content_filter"),
    Case(404, UpstreamRefused, REQUEST, message="Unknown response id."),
    Case(413, UpstreamRefused, REQUEST),
    Case(415, UpstreamRefused, REQUEST),
    Case(422, UpstreamRefused, REQUEST, message="temperature must be at most 1"),
    Case(200, UpstreamRefused, REQUEST, type="invalid_request_error"),
    Case(200, UpstreamOverloaded, CREDENTIAL, 1.0, code="429"),
    Case(200, UpstreamOverloaded, CREDENTIAL, 1.0, type="overloaded_error"),
    Case(200, UpstreamMisconfigured, CREDENTIAL, 60.0, code="invalid_api_key"),
    Case(200, UpstreamMisconfigured, CREDENTIAL, 60.0, code="401"),
    Case(200, UpstreamBroken, CHANNEL, type="server_error"),
    Case(200, UpstreamBroken, CHANNEL),
    Case(204, UpstreamBroken, CHANNEL),
    Case(400, UpstreamMisconfigured, CREDENTIAL, 60.0, message="Your credit balance is too low to access the API."),
    Case(200, UpstreamMisconfigured, CREDENTIAL, 60.0, message="Insufficient balance"),
    Case(400, UpstreamRefused, REQUEST, message="Invalid role: insufficient balance", param="messages[0].role"),
    Case(422, UpstreamRefused, REQUEST, message="Invalid role: insufficient balance"),
    Case(404, UpstreamRefused, REQUEST, message="Unknown id: insufficient balance"),
    Case(400, UpstreamRefused, REQUEST, message="Invalid value: 'insufficient balance'. Supported are: 'user'"),
    Case(400, UpstreamRefused, REQUEST, message="Invalid value: 'x' insufficient balance 'y'."),
    Case(400, UpstreamRefused, REQUEST, message="Invalid value: “insufficient balance”"),
    Case(404, UpstreamRefused, REQUEST, message="Unknown response id 'model not found'."),
    Case(403, UpstreamRefused, REQUEST, message="This model requires moderation and your input was flagged"),
    Case(403, UpstreamRefused, REQUEST, message="The prompt was blocked.", code="content_policy_violation"),
    Case(403, UpstreamMisconfigured, CREDENTIAL, 60.0, message="Your account was flagged."),
    Case(403, UpstreamMisconfigured, CREDENTIAL, 60.0, message="No access.", type="invalid_request_error"),
    Case(429, UpstreamRefused, REQUEST, message="Request too large for x on tokens per min (TPM): Limit 30000"),
    Case(429, UpstreamRefused, REQUEST, message="No.", code="context_length_exceeded"),
    Case(429, UpstreamOverloaded, CREDENTIAL, 1.0, message="Rate limit reached on tokens per min: Limit 30000"),
    Case(406, UpstreamMisconfigured, CHANNEL),
    Case(414, UpstreamRefused, REQUEST),
    Case(431, UpstreamRefused, REQUEST),
    Case(451, UpstreamRefused, REQUEST, message="Unavailable for legal reasons."),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_whose_fault_it_is_and_how_far_it_reaches(case: Case) -> None:
    failure = _classify(case.status, message=case.message, type=case.type, code=case.code, param=case.param)

    assert (type(failure.error), failure.scope, failure.retry_after) == (case.error, case.scope, case.rest)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_callers_never_see_the_vendors_words(case: Case) -> None:
    vendor = {"message": case.message or "vendor text", "type": case.type, "code": case.code}

    shown = _classify(case.status, **vendor).error.message

    assert all(word not in shown for word in vendor.values() if word)
    assert shown.startswith("The provider of this model ")


def test_what_the_caller_caused_is_passed_on_as_it_came() -> None:
    error = _classify(422, message="no").error

    assert isinstance(error, UpstreamRefused)
    assert (error.http_status, error.body, error.content_type) == (422, b'{"error":{}}', "application/json")


def test_a_callers_fault_inside_a_success_becomes_a_400() -> None:
    error = _classify(200, type="invalid_request_error").error

    assert error.http_status == 400


def test_what_was_too_large_for_a_minute_is_not_to_be_sent_again() -> None:
    assert _classify(429, message="Request too large").error.http_status == 400


def test_what_was_moderated_keeps_its_status() -> None:
    assert _classify(403, message="Your input was flagged.").error.http_status == 403


def test_only_what_callers_can_cause_says_nothing_of_the_channel() -> None:
    neutral = {status for status in range(300, 600) if _classify(status).is_neutral}

    assert neutral == {405, 406}


def test_an_overloaded_upstream_says_when_to_come_back() -> None:
    failure = _classify(429, retry_after="20")

    assert (failure.retry_after, failure.error.retry_after) == (20.0, 20.0)
    failure = _classify(503, retry_after="3")
    assert (failure.retry_after, failure.error.retry_after, failure.scope) == (3.0, 3.0, CHANNEL)


def test_a_caller_is_not_told_to_wait_for_the_operator() -> None:
    assert _classify(401).error.retry_after is None


def test_the_operator_reads_the_status_and_the_words_without_keys() -> None:
    key = "sk-proj-0123456789abcdefghijklmnop"

    cause = _classify(
        401, message=f"Incorrect API key provided: {key}. " + "x" * 20 + " y" * 999, code="bad"
    ).error.__cause__

    assert isinstance(cause, VendorSaid)
    assert cause.status == 401
    assert str(cause).startswith("status 401: bad Incorrect API key provided: … ")
    assert key not in str(cause)
    assert len(str(cause)) < 350


def test_why_an_attempt_failed_is_said_in_few_words_without_keys() -> None:
    key = "sk-proj-0123456789abcdefghijklmnop"
    said = _classify(500, message=f"No {key}. " + " y" * 999, code="bad").error

    assert cause_in_words(said).startswith("status 500: bad No … ")
    assert len(cause_in_words(said)) == 300
    assert cause_in_words(broken(Stage.CONNECT, "Connection refused")) == "connect: Connection refused"
    assert cause_in_words(UpstreamBroken("The stream has no content.")) == "The stream has no content."


def _by_rules(status: int, message: str, **rules: Any) -> tuple[str, Scope, bool, bool]:
    ruled = by_rules(_classify(status, message=message), UpstreamProblem(message), channel(**rules))
    return ruled.error.code, ruled.scope, ruled.opens, ruled.is_final


def test_a_channel_says_after_which_answers_another_is_tried() -> None:
    rule = RetryRule(on=frozenset({400, 429}), texts=("elsewhere",))

    assert _by_rules(400, "x", retry=rule) == ("upstream_refused", Scope.CHANNEL, False, False)
    assert _by_rules(422, "go ELSEWHERE", retry=rule) == ("upstream_refused", Scope.CHANNEL, False, False)
    assert _by_rules(500, "x", retry=rule) == ("upstream_broken", Scope.CHANNEL, False, True)
    assert _by_rules(400, "x") == ("upstream_refused", Scope.REQUEST, False, False)


def test_an_answer_that_opens_the_circuit_is_never_the_caller_s() -> None:
    rule = CircuitRule(open_on=Answers(frozenset({418}), ("no money",)))

    assert _by_rules(400, "There is No Money.", circuit=rule) == (
        "upstream_misconfigured",
        Scope.CREDENTIAL,
        True,
        False,
    )
    assert _by_rules(500, "no money", circuit=rule) == ("upstream_broken", Scope.CHANNEL, True, False)
    assert _by_rules(400, "x", circuit=rule) == ("upstream_refused", Scope.REQUEST, False, False)


def test_what_a_caller_was_quoted_with_opens_no_circuit() -> None:
    rule = CircuitRule(open_on=Answers(frozenset(), ("no money",)))

    assert not _by_rules(400, "Invalid role: 'no money'.", circuit=rule)[2]
    assert _by_rules(500, "'no money'", circuit=rule)[2]


def test_an_error_inside_a_success_counts_by_the_status_it_names() -> None:
    assert [_classify(200, code=code).status for code in ("429", "odd")] == [429, None]


@pytest.mark.parametrize(
    ("headers", "inside", "expected"),
    [({}, 34.5, 34.5), ({"retry-after": "7"}, 34.5, 7.0), ({}, 10_000.0, 600.0), ({}, None, 1.0)],
)
def test_the_body_may_say_when_to_come_back_too(headers: dict[str, str], inside: float | None, expected: float) -> None:
    problem = UpstreamProblem("Slow", "RESOURCE_EXHAUSTED", "429", inside)

    assert classify(429, CIMultiDict(headers), problem, b"{}", "application/json").retry_after == expected
