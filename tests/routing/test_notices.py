from __future__ import annotations

import logging

import pytest

from clinx.routing.circuit import Cause, State
from clinx.routing.notices import Notices
from clinx.routing.way import Transition
from clinx.telemetry.metrics import Metrics


def test_a_transition_is_said_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    notices = Notices(metrics)

    with caplog.at_level(logging.INFO, "clinx.routing"):
        notices(Transition("main", "f1", "m", State.OPEN, Cause.REFUSED, 5.0, held=True))
        notices(Transition("main", "f1", "m", State.CLOSED, Cause.REFUSED, 0.0, held=False))

    way = {"channel": "main", "credential": "f1", "upstream_model": "m", "cause": "refused"}
    said = [(record.getMessage(), vars(record)["fields"]) for record in caplog.records]
    assert said == [
        ("channel.opened", {**way, "seconds": 5.0, "waits_for": "a test, an operator or another key"}),
        ("channel.closed", way),
    ]
    text = metrics.render().decode()
    assert 'clinx_circuits_total{cause="refused",channel="main",state="open"} 1.0' in text
    assert 'clinx_circuits_total{cause="refused",channel="main",state="closed"} 1.0' in text
