from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import BaseModel

from clinx.config.quantities import read_duration, read_size
from clinx.config.schema import ChannelShape, GatewayShape
from clinx.config.snapshot import Concurrency, Server
from clinx.config.spelling import absent, spelled
from clinx.domain.catalog import Timeouts
from clinx.domain.console import Keep


@pytest.mark.parametrize(
    ("shape", "path", "value", "expected"),
    [
        (GatewayShape, "server.max_body", 33554432, "32MiB"),
        (GatewayShape, "server.max_body", 1000, "1000"),
        (GatewayShape, "server.retry_budget", 0.2, "20%"),
        (GatewayShape, "server.body_timeout", 30.0, "30s"),
        (GatewayShape, "server.body_timeout", 90.5, "90500ms"),
        (ChannelShape, "timeouts.total", 1800.0, "30m"),
        (ChannelShape, "timeouts.connect", 0.25, "250ms"),
        (
            ChannelShape,
            "timeouts",
            Timeouts(),
            "{connect: 5s, write: 1m, first_byte: 1m, whole: 10m, idle: 2m, total: 30m}",
        ),
        (GatewayShape, "console.sign_in.step_up", timedelta(minutes=10), "10m"),
        (GatewayShape, "console.sign_in.session", timedelta(days=30), "30d"),
        (GatewayShape, "console.keep", Keep(), "{request_logs: 90d, minutes: 2d, hours: 90d}"),
        (ChannelShape, "weight", 3, "3"),
        (ChannelShape, "tags", frozenset({"us", "eu"}), "[eu, us]"),
        (ChannelShape, "nothing.like.this", 1.5, "1.5"),
        (None, "x", True, "true"),
    ],
)
def test_what_was_compiled_is_written_with_its_unit(
    shape: type[BaseModel] | None, path: str, value: object, expected: str
) -> None:
    assert spelled(shape, path.split("."), value) == expected


def test_what_is_kept_without_end_is_not_nothing() -> None:
    assert absent(GatewayShape, ["console", "keep", "audit"]) == "forever"
    assert absent(GatewayShape, ["console", "keep", "hours"]) is None
    assert absent(GatewayShape, ["payments"]) is None


def test_what_lies_deeper_has_units_too() -> None:
    assert "max_body: 32MiB" in spelled(GatewayShape, ["server"], Server())
    assert "retry_budget: 20%" in spelled(GatewayShape, ["server"], Server())
    assert "wait: 1s" in spelled(GatewayShape, ["server", "queue"], Concurrency())


def test_what_is_written_is_read_again() -> None:
    for seconds in (0.001, 0.5, 1.0, 61.0, 3600.0, 7200.0):
        assert read_duration(spelled(ChannelShape, ["timeouts", "idle"], seconds)) == seconds
    for size in (1, 1023, 2**20, 3 * 2**30):
        assert read_size(spelled(GatewayShape, ["server", "max_body"], size)) == size
