from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig

from clinx.accounts import throttle
from clinx.domain.identity import Role
from clinx.domain.money import Amount
from clinx.errors import InvalidRequest
from clinx.graphql import audit
from clinx.graphql.audit import Change, changed
from clinx.graphql.context import Info
from clinx.graphql.errors import Forbidden, Problem, UserError, user_error
from clinx.graphql.permissions import Permission
from clinx.graphql.scalars import SCALARS, Secret
from clinx.storage.failures import StorageUnavailable
from support.station import Station, station, upstream

__all__ = ["station", "upstream"]


class Colour(StrEnum):
    RED = "red"


strawberry.enum(Colour)


@strawberry.input
class Inner:
    password: str
    names: list[str]


@strawberry.input
class DoInput:
    name: str
    amount: Amount
    at: datetime
    colour: Colour
    key: Secret
    inner: Inner
    absent: str | None = strawberry.UNSET
    nothing: str | None = None


@strawberry.type
class DoPayload:
    errors: list[UserError] = strawberry.field(default_factory=list[UserError])
    change: strawberry.Private[Change | None] = None


@dataclass
class Script:
    """What the mutation does."""

    result: DoPayload = field(default_factory=DoPayload)
    failure: BaseException | None = None

    async def __call__(self) -> DoPayload:
        if self.failure is not None:
            raise self.failure
        return self.result


script = Script()


@strawberry.type
class Query:
    nothing: int = 0


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def thing_do(self, info: Info, input: DoInput) -> DoPayload:  # noqa: A002
        del info, input
        return await script()


class Quiet(strawberry.Schema):
    def process_errors(self, errors: list[Any], execution_context: Any = None) -> None:
        del errors, execution_context


schema = Quiet(query=Query, mutation=Mutation, config=StrawberryConfig(scalar_map=dict(SCALARS)))
audit.lay(schema._schema)

TEXT = "mutation ($input: DoInput!) { thingDo(input: $input) { errors { code } } }"


def wish(**changes: Any) -> dict[str, Any]:
    return {
        "name": "ci",
        "amount": "2.50",
        "at": "2030-01-01T00:00:00Z",
        "colour": "RED",
        "key": "swordfish",
        "inner": {"password": "hunter2", "names": ["a", "b"]},
        **changes,
    }


async def did(station: Station, *, result: DoPayload | None = None, failure: BaseException | None = None) -> None:
    script.result, script.failure = result or DoPayload(), failure
    context = station.context(await station.viewer(Role.USER, name="ann"))
    await schema.execute(TEXT, variable_values={"input": wish()}, context_value=context)


async def test_a_mutation_is_written_without_its_secrets(station: Station) -> None:
    await did(station)

    [entry] = await station.entries()
    assert (entry.operation, entry.outcome, entry.actor, entry.address, entry.request_id) == (
        "thingDo",
        "ok",
        "user:ann",
        "192.0.2.7",
        "req_1",
    )
    assert entry.at == station.clock.now()
    assert entry.input == (
        '{"name":"ci","amount":"2.5","at":"2030-01-01T00:00:00Z","colour":"RED","key":"[secret]",'
        '"inner":{"password":"[secret]","names":["a","b"]},"nothing":null}'
    )
    assert (entry.before, entry.after) == (None, None)


async def test_what_is_long_is_cut(station: Station) -> None:
    script.result, script.failure = DoPayload(), None
    long = wish(name="x" * 300, inner={"password": "", "names": [str(n) for n in range(25)]})
    await schema.execute(TEXT, variable_values={"input": long}, context_value=station.context())

    [entry] = await station.entries()
    assert f'"name":"{"x" * 200}…"' in entry.input
    assert '"19","… and 5 more"]' in entry.input
    assert (entry.actor, entry.user_id) == ("nobody", None)


async def test_what_was_changed_is_written(station: Station) -> None:
    await did(station, result=DoPayload(change=changed({"weight": 1, "name": "a"}, {"weight": 2, "name": "a"})))

    [entry] = await station.entries()
    assert (entry.before, entry.after) == ('{"weight":1}', '{"weight":2}')


async def test_refusals_of_the_payload_are_its_outcome(station: Station) -> None:
    errors = [user_error(Problem(code, "")) for code in ("not_found", "too_old", "too_old")]

    await did(station, result=DoPayload(errors=errors))

    assert [entry.outcome for entry in await station.entries()] == ["not_found, too_old"]


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (Forbidden("x"), "forbidden"),
        (Problem("odd", ""), "odd"),
        (InvalidRequest("no"), "invalid_request"),
        (ZeroDivisionError(), "internal"),
    ],
    ids=["forbidden", "problem", "gateway", "defect"],
)
async def test_failures_at_the_top_are_written_too(station: Station, failure: Exception, outcome: str) -> None:
    await did(station, failure=failure)

    assert [entry.outcome for entry in await station.entries()] == [outcome]


async def test_a_mutation_that_was_given_up_is_written(station: Station) -> None:
    with pytest.raises(asyncio.CancelledError):
        await did(station, failure=asyncio.CancelledError())

    assert [entry.outcome for entry in await station.entries()] == ["cancelled"]


async def test_an_entry_that_cannot_be_written_is_logged_and_fails_nothing(
    station: Station, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(_: object) -> None:
        raise StorageUnavailable("away", where="here")

    script.result, script.failure = DoPayload(), None
    monkeypatch.setattr("clinx.storage.audit_log.append", away)
    with caplog.at_level(logging.ERROR, "clinx.graphql"):
        result = await schema.execute(TEXT, variable_values={"input": wish()}, context_value=station.context())

    assert (result.data, result.errors) == ({"thingDo": {"errors": []}}, None)
    [record] = [each for each in caplog.records if each.name == "clinx.graphql"]
    assert (record.message, record.__dict__["operation"]) == ("graphql.audit_failed", "thingDo")
    assert "swordfish" not in repr(record.__dict__)


async def test_what_the_rules_refuse_is_in_the_log_of_the_real_schema(station: Station) -> None:
    text = "mutation ($input: ChannelResetInput!) { channelReset(input: $input) { errors { code } } }"

    assert await station.code(text, None, input={"channel": "Q2hhbm5lbDptYWlu"}) == "unauthenticated"
    key = await station.key(Permission.CHANNEL_READ)
    assert await station.code(text, key, input={"channel": "Q2hhbm5lbDptYWlu"}) == "forbidden"

    assert [(each.actor, each.operation, each.outcome) for each in await station.entries()] == [
        ("nobody", "channelReset", "unauthenticated"),
        ("key:7:robot", "channelReset", "forbidden"),
    ]


async def test_strangers_who_are_refused_do_not_fill_the_log(
    station: Station, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(throttle, "ENTRIES", (throttle.Bound(3, throttle.QUARTER),))
    text = "mutation ($input: ChannelResetInput!) { channelReset(input: $input) { errors { code } } }"
    asked = {"channel": "Q2hhbm5lbDptYWlu"}

    for _ in range(5):
        assert await station.code(text, None, input=asked) == "unauthenticated"
    key = await station.key(Permission.CHANNEL_READ)
    assert await station.code(text, key, input=asked) == "forbidden"

    assert [each.actor for each in await station.entries()] == ["nobody"] * 3 + ["key:7:robot"]
    skipped = [each for each in caplog.records if each.message == "graphql.audit_skipped"]
    assert [each.__dict__["operation"] for each in skipped] == ["channelReset"] * 2


def test_a_change_of_what_was_not_there_is_whole() -> None:
    assert changed(None, {"a": 1}) == Change(None, {"a": 1})
    assert changed({"a": 1}, None) == Change({"a": 1}, None)
