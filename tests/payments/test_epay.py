import json
from fractions import Fraction
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import msgspec
import pytest

from clinx.domain.order import Outcome, Payment, PaymentProvider
from clinx.payments import epay
from clinx.payments.epay import EPay, read_notice, sign
from clinx.payments.notice import Irrelevant, Refused
from clinx.payments.provider import ProviderUnavailable
from support.fake_payments import KEY, MERCHANT, FakePayments, epay_account, notification, payments
from support.orders import EPAY_ORDER

SOLD = payments()
ACCOUNT = epay_account()


def test_the_signature_is_the_protocol_s():
    params = {
        "device": "pc",
        "money": "73.00",
        "name": "TUC10",
        "notify_url": "https://gw.example/api/user/epay/notify",
        "out_trade_no": "USR7NOabc1231700000000",
        "pid": "1001",
        "return_url": "https://gw.example/log",
        "type": "alipay",
    }
    more = {"sign": "whatever", "sign_type": "MD5", "param": ""}

    assert sign(params, "secretkey") == "427a863be9c130be68bf16a20de0857f"
    assert sign({**more, **params}, "secretkey") == "427a863be9c130be68bf16a20de0857f"


def test_the_page_has_what_the_site_wants():
    page = epay.page(ACCOUNT, EPAY_ORDER, SOLD)

    expected = {
        "pid": "1001",
        "type": "alipay",
        "out_trade_no": EPAY_ORDER.id,
        "notify_url": "https://gw.example/api/user/epay/notify",
        "name": "TUC10",
        "money": "73.00",
        "device": "pc",
        "return_url": "https://console.example/billing",
        "sign_type": "MD5",
    }
    assert page.url == "https://pay.example/submit.php"
    assert page.params == {**expected, "sign": sign(expected, KEY)}
    assert dict(parse_qsl(urlsplit(page.link).query)) == page.params
    assert page.reference is None


def test_a_signed_notification_is_a_payment():
    params = notification(EPAY_ORDER.id, "73.00")

    notice = read_notice(ACCOUNT, params.items())

    assert isinstance(notice, Payment)
    assert msgspec.structs.replace(notice, event="") == Payment(
        PaymentProvider.EPAY, EPAY_ORDER.id, Fraction(73), None, "T1", ""
    )
    assert read_notice(ACCOUNT, reversed(params.items())) == notice, "the order of parameters says nothing"


def test_what_differs_in_anything_is_another_event():
    events = {
        notice.event
        for trade in ("T1", "T2")
        if isinstance(notice := read_notice(ACCOUNT, notification("o", "1", trade_no=trade).items()), Payment)
    }

    assert len(events) == 2


@pytest.mark.parametrize(
    ("params", "outcome"),
    [
        ({**notification("o", "73"), "money": "1"}, Outcome.FORGED),
        ({**notification("o", "73"), "extra": "x"}, Outcome.FORGED),
        ({**notification("o", "73"), "sign": ""}, Outcome.FORGED),
        ({**notification("o", "73"), "sign": "é\ud800"}, Outcome.FORGED),
        ({**notification("o", "73"), "name": "\ud800"}, Outcome.FORGED),
        ({key: value for key, value in notification("o", "73").items() if key != "sign"}, Outcome.FORGED),
        (notification("o", "73", key="another"), Outcome.FORGED),
        (notification("o", "73", key=""), Outcome.FORGED),
        (notification("o", "73", sign_type="RSA"), Outcome.FORGED),
        (notification("o", "73", sign_type=""), Outcome.FORGED),
        ({}, Outcome.FORGED),
        (notification("o", "73", pid="1002"), Outcome.WRONG_MERCHANT),
        (notification("o", "73", pid=""), Outcome.WRONG_MERCHANT),
        (notification("o", ""), Outcome.MALFORMED),
        (notification("o", "-73"), Outcome.MALFORMED),
        (notification("o", "7.3e1"), Outcome.MALFORMED),
        (notification("o", "٧٣"), Outcome.MALFORMED),
        (notification("o", "73.00\n"), Outcome.MALFORMED),
        (notification("o", "73", trade_no="a\x00"), Outcome.MALFORMED),
        (notification("o", "73", trade_no="a" * 256), Outcome.MALFORMED),
    ],
)
def test_what_cannot_be_believed_is_refused(params: dict[str, str], outcome: Outcome):
    notice = read_notice(ACCOUNT, params.items())

    assert isinstance(notice, Refused)
    assert notice.outcome is outcome
    assert KEY not in repr(notice)


def test_a_repeated_parameter_is_refused_whatever_is_signed():
    params = notification("o", "73")

    for pairs in ([*params.items(), ("money", "1")], [("money", "73"), *params.items()]):
        notice = read_notice(ACCOUNT, pairs)
        assert isinstance(notice, Refused)
        assert notice.outcome is Outcome.MALFORMED


@pytest.mark.parametrize("status", ["TRADE_CLOSED", "WAIT_BUYER_PAY", ""])
def test_another_status_is_no_payment(status: str):
    assert read_notice(ACCOUNT, notification("o", "73", trade_status=status).items()) == Irrelevant()


async def ask(site: FakePayments, url: str | None = None) -> object:
    async with aiohttp.ClientSession() as session:
        return await EPay(epay_account(url or site.url), session).ask(EPAY_ORDER)


async def test_the_site_is_asked_with_the_merchant_s_key(site: FakePayments):
    site.paid(EPAY_ORDER.id, "73.00")

    said = await ask(site)

    expected = Payment(PaymentProvider.EPAY, EPAY_ORDER.id, Fraction(73), None, "T1", f"asked:{EPAY_ORDER.id}")
    assert said == expected
    assert site.asked == [{"act": "order", "pid": MERCHANT, "key": KEY, "out_trade_no": EPAY_ORDER.id}]


@pytest.mark.parametrize(
    "changed",
    [
        {"money": 73},
        {"money": 73.0, "status": "1", "code": "1"},
        {"trade_no": 5, "more": [1]},
    ],
)
async def test_numbers_may_be_text_or_not(site: FakePayments, changed: dict[str, Any]):
    site.paid(EPAY_ORDER.id, "73.00")
    site.trades[EPAY_ORDER.id].update(changed)

    said = await ask(site)

    assert isinstance(said, Payment)
    assert said.paid == 73
    assert said.reference == str(site.trades[EPAY_ORDER.id]["trade_no"])


async def test_money_is_read_to_its_last_digit(site: FakePayments):
    site.paid(EPAY_ORDER.id, "")
    whole = json.dumps(site.trades[EPAY_ORDER.id]).replace('"money": ""', '"money": 73.000001')
    site.body = whole.encode()

    said = await ask(site)

    assert isinstance(said, Payment)
    assert said.paid == Fraction("73.000001")


@pytest.mark.parametrize("changed", [{"status": 0}, {"status": "0"}, {"code": -1}, {"code": "0"}])
async def test_an_order_that_is_not_paid_may_still_be(site: FakePayments, changed: dict[str, Any]):
    site.paid(EPAY_ORDER.id, "73.00")
    site.trades[EPAY_ORDER.id].update(changed)

    assert await ask(site) is None


async def test_an_order_that_the_site_does_not_know_may_still_be_paid(site: FakePayments):
    assert await ask(site) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"code": 1.5}',
        b'{"code": 1, "status": 1, "money": "73.00", "out_trade_no": "another"}',
        b'{"code": 1, "status": 1, "money": ["73.00"], "out_trade_no": "%s"}' % EPAY_ORDER.id.encode(),
        b" " * (65 << 10),
    ],
)
async def test_an_answer_nobody_understands_is_none(site: FakePayments, body: bytes):
    site.body = body

    with pytest.raises(ProviderUnavailable) as caught:
        await ask(site)

    assert KEY not in str(caught.value)


async def test_a_site_that_fails_or_moved_has_said_nothing(site: FakePayments):
    site.paid(EPAY_ORDER.id, "73.00")
    for status in (302, 500):
        site.status = status
        with pytest.raises(ProviderUnavailable, match=f"epay: status {status}"):
            await ask(site)


async def test_a_site_that_is_away_is_reported_without_the_key(site: FakePayments):
    with pytest.raises(ProviderUnavailable) as caught:
        await ask(site, "http://127.0.0.1:1")

    assert str(caught.value) == "epay: ClientConnectorError"
    assert caught.value.__cause__ is None


async def test_a_page_needs_no_question(site: FakePayments):
    async with aiohttp.ClientSession() as session:
        page = await EPay(ACCOUNT, session).open(EPAY_ORDER, SOLD)

    assert page == epay.page(ACCOUNT, EPAY_ORDER, SOLD)
    assert site.asked == []
