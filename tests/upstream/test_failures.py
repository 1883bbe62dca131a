from __future__ import annotations

from dataclasses import dataclass

import pytest
from multidict import CIMultiDict

from clinx.dialects.base import UpstreamProblem
from clinx.errors import (
    GatewayError,
    UpstreamBroken,
    UpstreamMisconfigured,
    UpstreamOverloaded,
    UpstreamRefused,
    UpstreamTimeout,
)
from clinx.upstream.failures import Failure, Scope, VendorSaid, classify


@dataclass
class Case:
    status: int
    error: type[GatewayError]
    scope: Scope
    rest: float | None = None
    message: str | None = None
    type: str | None = None
    code: str | None = None


def _classify(status: int, *, retry_after: str | None = None, **problem: str | None) -> Failure:
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
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_whose_fault_it_is_and_how_far_it_reaches(case: Case) -> None:
    failure = _classify(case.status, message=case.message, type=case.type, code=case.code)

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
