from __future__ import annotations

import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from clinx.errors import UpstreamBroken, UpstreamError, UpstreamMisconfigured, UpstreamTimeout
from clinx.upstream.egress import EgressRefused
from clinx.upstream.stages import Stage, before_the_body, broken, in_the_body, timed_out

SECRET = "s3cret-host.test"
KEY = ConnectionKey(SECRET, 443, True, True, None, None, None)
INFO = aiohttp.RequestInfo(URL(f"https://{SECRET}/?key=s3cret"), "POST", CIMultiDictProxy(CIMultiDict()))


@pytest.mark.parametrize(
    ("raised", "becomes", "cause"),
    [
        (
            aiohttp.ClientConnectorCertificateError(KEY, ssl.CertificateError("s3cret")),
            UpstreamMisconfigured,
            "connect: ClientConnectorCertificateError (SSLCertVerificationError)",
        ),
        (
            aiohttp.ClientConnectorError(KEY, EgressRefused("169.254.169.254")),
            UpstreamMisconfigured,
            "egress: 169.254.169.254 may not be reached",
        ),
        (
            aiohttp.ClientConnectorError(KEY, ConnectionRefusedError(111, "Connection refused")),
            UpstreamBroken,
            "connect: ClientConnectorError (Connection refused)",
        ),
        (
            aiohttp.ClientConnectorError(KEY, ConnectionRefusedError(111, "Connect call failed ('s3cret', 443)")),
            UpstreamBroken,
            "connect: ClientConnectorError (Connection refused)",
        ),
        (
            aiohttp.ClientConnectorDNSError(KEY, OSError("no such host s3cret")),
            UpstreamBroken,
            "connect: ClientConnectorDNSError (OSError)",
        ),
        (
            aiohttp.ClientHttpProxyError(INFO, (), status=407, message="s3cret"),
            UpstreamMisconfigured,
            "connect: ClientHttpProxyError",
        ),
        (aiohttp.InvalidURL("http://s3cret"), UpstreamMisconfigured, "connect: InvalidURL"),
        (aiohttp.ServerDisconnectedError("s3cret"), UpstreamBroken, "first_byte: ServerDisconnectedError"),
        (
            aiohttp.ClientOSError(104, "Connection reset by peer"),
            UpstreamBroken,
            "first_byte: ClientOSError (Connection reset by peer)",
        ),
        (aiohttp.ClientResponseError(INFO, ()), UpstreamBroken, "first_byte: ClientResponseError"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_the_operator_learns_the_stage_and_nobody_the_address(
    raised: aiohttp.ClientError, becomes: type[UpstreamError], cause: str
) -> None:
    error = before_the_body(raised)

    assert type(error) is becomes
    assert str(error.__cause__) == cause
    assert "s3cret" not in f"{error.message} {error.__cause__}"


def test_a_body_that_breaks_is_broken() -> None:
    error = in_the_body(aiohttp.ClientPayloadError("s3cret"))

    assert (type(error), str(error.__cause__)) == (UpstreamBroken, "body: ClientPayloadError")


def test_a_late_upstream_is_told_by_its_stage_and_its_time() -> None:
    error = timed_out(Stage.IDLE, 120.0)

    assert (type(error), str(error.__cause__)) == (UpstreamTimeout, "idle: nothing for 120 s")


def test_the_private_cause_stays_when_the_error_is_raised_with_it() -> None:
    failure = broken(Stage.BODY, "why")

    with pytest.raises(UpstreamBroken) as caught:
        raise failure from failure.__cause__

    assert str(caught.value.__cause__) == "body: why"
