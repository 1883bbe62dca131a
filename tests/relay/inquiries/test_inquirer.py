from __future__ import annotations

import pytest

from clinx.domain.inquiry import InquiryError, RouteWish
from clinx.domain.money import Amount
from clinx.domain.override import Aspect, Override
from clinx.domain.usage import Usage
from clinx.storage import overrides, request_logs
from support.database import START, make_caller, request_log
from support.station import Station

USED = Usage(input=1_000_000, output=1_000_000)


async def test_a_route_is_told_with_what_it_would_cost(station: Station) -> None:
    told = station.inquirer.explain_route(RouteWish("fake-model", group="vip", usage=USED))

    assert (told.model, told.group, told.operation, told.refusal) == ("fake-model", "vip", "chat", None)
    assert [each.channel for each in told.candidates] == ["main"]
    assert told.multiplier == "0.5"
    assert told.quote is not None
    assert told.quote.total == Amount.parse("1.5")
    assert [(rate.unit, rate.amount, rate.per) for rate in told.rates] == [
        ("input", "1", 1_000_000),
        ("output", "2", 1_000_000),
        ("cache_read", "0.5", 1_000_000),
    ]
    assert told.text.startswith("call      chat in openai_chat, group vip\nmodel     fake-model\n")


async def test_what_nobody_offers_is_refused_and_costs_nothing(station: Station) -> None:
    told = station.inquirer.explain_route(RouteWish("gpt-5"))

    assert told.refusal is not None
    assert (told.refusal.code, told.candidates, told.quote) == ("model_not_found", (), None)


async def test_an_override_is_laid_over(station: Station) -> None:
    wish = Override("main", Aspect.DISABLED, 1, "ill", "test", station.clock.now(), START.replace(hour=2))
    await station.database.atomically(overrides.put(wish))
    await station.obey()

    told = station.inquirer.explain_route(RouteWish("fake-model"))

    assert told.overrides == ("channels.main.disabled=true",)
    assert told.refusal is not None
    assert told.refusal.code == "no_channel"
    tiers = station.inquirer.as_called().routes.tiers("default", "fake-model")
    assert not any(tiers)
    assert any(station.current.snapshot.routes.tiers("default", "fake-model"))


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (RouteWish("m", operation="sing"), "unknown_operation"),
        (RouteWish("m", dialect="latin"), "unknown_dialect"),
        (RouteWish("m", group="nobles"), "unknown_group"),
        (RouteWish("m", body="[1"), "invalid_body"),
        (RouteWish("m", body=f'"{"x" * 300_000}"'), "invalid_body"),
    ],
    ids=["operation", "dialect", "group", "json", "size"],
)
async def test_a_question_that_makes_no_sense(station: Station, wish: RouteWish, code: str) -> None:
    with pytest.raises(InquiryError) as refused:
        station.inquirer.explain_route(wish)

    assert refused.value.code == code


async def test_a_request_is_told_with_what_would_become_of_it_now(station: Station) -> None:
    caller = await make_caller(station.database, balance="1")
    log = request_log("req_1", caller)
    await station.database.atomically(request_logs.append([log]))

    told = await station.inquirer.explain_request("req_1")

    assert told is not None
    assert (told.log, told.user) == (log, caller.user)
    assert told.text.splitlines()[0].startswith("call      req_1, 2030-01-01 00:00:00 UTC")
    assert told.now is not None
    assert told.now.revision == station.current.snapshot.revision.id


async def test_a_request_without_a_log_is_not_known(station: Station) -> None:
    assert await station.inquirer.explain_request("req_2") is None


async def test_a_channel_that_was_never_tested_has_no_last_test(station: Station) -> None:
    assert station.inquirer.last_test("main") is None
