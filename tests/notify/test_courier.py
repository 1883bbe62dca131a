import ipaddress
import logging
from dataclasses import replace

import pytest

from clinx.domain.console import Language, Webhook
from clinx.notify.courier import Courier, Fetch, Parcel, Trouble, WebhookFailed
from clinx.notify.news import News
from clinx.telemetry.tasks import Supervisor
from clinx.upstream.fetch import Fetcher
from support.database import START
from support.webhook_site import SECRET, WebhookSite, is_signed

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
NEWS = News("low_balance", "", {"name": "Ann", "balance": "1 USD", "threshold": "2 USD", "link": ""})


def fetcher(*, seconds: float = 10.0) -> Fetcher:
    return Fetcher(lambda: LOOPBACK, seconds=seconds)


def courier(fetch: Fetch | None = None, *, most: int = 10, counted: list[str] | None = None) -> Courier:
    count = ([] if counted is None else counted).append
    return Courier(fetch or fetcher(), lambda: "Example AI", now=lambda: START, pause=0, most=most, count=count)


def parcel(hook: Webhook, news: News = NEWS) -> Parcel:
    return Parcel(hook, news, Language.ENGLISH)


async def failing(hook: Webhook, fetch: Fetch | None = None) -> WebhookFailed:
    with pytest.raises(WebhookFailed) as caught:
        await courier(fetch).deliver(parcel(hook))
    return caught.value


async def test_a_notice_is_posted_and_signed(site: WebhookSite):
    await courier().deliver(parcel(site.hook("/hook?key=1")))

    (posted,) = site.received
    assert posted.path == "/hook?key=1"
    assert posted.headers["Content-Type"] == "application/json"
    assert posted.headers["X-Clinx-Event"] == "low_balance"
    assert posted.headers["X-Clinx-Signature"].startswith("t=1893456000,v1=")
    assert is_signed(posted)
    assert posted.json == {
        "id": posted.headers["X-Clinx-Delivery"],
        "type": "low_balance",
        "title": "Example AI: your balance is low",
        "content": posted.json["content"],
        "timestamp": 1893456000,
        "details": dict(NEWS.values),
    }
    assert "your balance is 1 USD, which is less than the 2 USD" in posted.json["content"]
    assert SECRET not in str(posted.headers)


async def test_another_secret_is_another_signature(site: WebhookSite):
    await courier().deliver(parcel(site.hook(secret="another")))

    assert is_signed(site.received[0], "another")
    assert not is_signed(site.received[0])


async def test_without_a_secret_it_is_not_signed(site: WebhookSite):
    await courier().deliver(parcel(site.hook(secret="")))

    assert "X-Clinx-Signature" not in site.received[0].headers


async def test_odd_values_are_posted_all_the_same(site: WebhookSite):
    await courier().deliver(parcel(site.hook(), replace(NEWS, values={**NEWS.values, "name": "\udc00<b>\x00"})))

    assert site.received[0].json["details"]["name"] == "?<b>\ufffd"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(site: WebhookSite, status: int):
    async with WebhookSite() as elsewhere:
        site.statuses, site.location = [status], f"{elsewhere.url}/stolen"
        failure = await failing(site.hook())

    assert (failure.trouble, failure.status, str(failure)) == (Trouble.REDIRECTED, status, f"redirected ({status})")
    assert len(site.received) == 1
    assert elsewhere.received == []


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_what_fails_for_the_moment_is_tried_once_more_under_the_same_id(site: WebhookSite, status: int):
    site.statuses = [status]
    await courier().deliver(parcel(site.hook()))

    first, second = site.received
    assert first == second


async def test_and_not_more_often(site: WebhookSite):
    site.statuses = [503, 500]
    failure = await failing(site.hook())

    assert (failure.trouble, failure.status, len(site.received)) == (Trouble.REFUSED, 500, 2)


async def test_a_refusal_is_not_repeated(site: WebhookSite):
    site.statuses = [410]
    failure = await failing(site.hook())

    assert (failure.trouble, failure.status, len(site.received)) == (Trouble.REFUSED, 410, 1)


async def test_one_that_says_nothing_is_given_up(site: WebhookSite):
    site.silent = True
    failure = await failing(site.hook(), fetcher(seconds=0.1))

    assert (failure.trouble, failure.status, len(site.received)) == (Trouble.UNREACHABLE, None, 2)


async def test_nobody_is_sent_to_this_machine_unless_it_is_allowed(site: WebhookSite):
    failure = await failing(site.hook(), Fetcher(tuple))

    assert failure.trouble is Trouble.FORBIDDEN
    assert site.received == []


@pytest.mark.parametrize("host", ["10.0.0.1", "192.168.1.1", "169.254.169.254", "[::1]", "[fd00::1]", "100.64.0.1"])
async def test_nobody_is_sent_into_private_networks(host: str):
    failure = await failing(Webhook(f"https://{host}/hook", SECRET), Fetcher(tuple))

    assert (failure.trouble, failure.is_temporary) == (Trouble.FORBIDDEN, False)


async def test_what_may_not_be_is_not_posted_to():
    failure = await failing(Webhook("http://example.com/hook", SECRET))

    assert (failure.trouble, failure.is_temporary) == (Trouble.ADDRESS, False)


async def test_sending_returns_at_once_and_says_how_it_went(site: WebhookSite, caplog: pytest.LogCaptureFixture):
    site.statuses = [400]
    counted: list[str] = []
    sending, supervisor = courier(counted=counted), Supervisor()
    with caplog.at_level(logging.INFO, "clinx.notify"):
        for _ in range(2):
            sending.send(parcel(site.hook("/secret-path")))
        assert (site.received, sending.room) == ([], 8)
        supervisor.start(sending.run(), name="courier", endless=True)
        await sending.drain(10)
    await supervisor.close()

    said = [(each.message, each.__dict__["kind"], each.__dict__.get("reason")) for each in caplog.records]
    assert said == [("webhook.failed", "low_balance", "refused"), ("webhook.sent", "low_balance", None)]
    assert caplog.records[0].__dict__["status"] == 400
    assert counted == ["failed", "sent"]
    assert "secret" not in caplog.text


async def test_one_too_many_is_dropped(caplog: pytest.LogCaptureFixture):
    sending = courier(most=1)
    for _ in range(2):
        sending.send(parcel(Webhook("https://example.com", SECRET)))

    assert [(each.message, each.__dict__["reason"]) for each in caplog.records] == [("webhook.failed", "full")]
