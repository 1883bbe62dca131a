from __future__ import annotations

import pytest
from multidict import CIMultiDict

from clinx.upstream.retry_after import LONGEST, retry_after

NOW = "Wed, 21 Oct 2015 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 1.0),
        ({"Retry-After": "20"}, 20.0),
        ({"Retry-After": " 0.5 "}, 0.5),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "999999"}, LONGEST),
        ({"Retry-After-Ms": "1500", "Retry-After": "20"}, 1.5),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:30 GMT", "Date": NOW}, 30.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:27:00 GMT", "Date": NOW}, 0.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:30 GMT"}, 1.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:30 GMT", "Date": "nonsense"}, 1.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:30 -0000", "Date": NOW}, 1.0),
        ({"Retry-After": "-5"}, 1.0),
        ({"Retry-After": "nan"}, 1.0),
        ({"Retry-After": "inf"}, 1.0),
        ({"Retry-After": "1e9"}, 1.0),
        ({"Retry-After": "٣"}, 1.0),
        ({"Retry-After": "soon"}, 1.0),
        ({"X-RateLimit-Remaining-Requests": "0", "X-RateLimit-Reset-Requests": "6m0s"}, 360.0),
        ({"X-RateLimit-Remaining-Requests": "0", "X-RateLimit-Reset-Requests": "250ms"}, 0.25),
        ({"X-RateLimit-Remaining-Requests": "0", "X-RateLimit-Reset-Requests": "1h2m3.5s"}, LONGEST),
        ({"X-RateLimit-Remaining-Tokens": "0", "X-RateLimit-Reset-Tokens": "12"}, 12.0),
        ({"X-RateLimit-Remaining-Tokens": "0", "X-RateLimit-Reset-Tokens": ""}, 1.0),
        ({"X-RateLimit-Remaining-Tokens": "7", "X-RateLimit-Reset-Tokens": "12s"}, 1.0),
        (
            {
                "X-RateLimit-Remaining-Requests": "0",
                "X-RateLimit-Reset-Requests": "1s",
                "X-RateLimit-Remaining-Tokens": "0",
                "X-RateLimit-Reset-Tokens": "9s",
            },
            9.0,
        ),
    ],
)
def test_the_wait_is_what_the_headers_ask_for_and_never_absurd(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(CIMultiDict(headers), 1.0) == seconds


def test_silence_may_mean_no_wait() -> None:
    assert retry_after({}, None) is None
