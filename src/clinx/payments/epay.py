"""EPay: signed query strings between a merchant and a site that takes Alipay, WeChat Pay and their like.

The signature is the MD5 of the sorted parameters and the merchant's key. That is weak, and it is the protocol: so the
amount, the merchant and the order are compared as well, and order ids cannot be guessed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Final

import aiohttp
import msgspec

from clinx.domain.order import Order, Outcome, Payment, PaymentProvider
from clinx.domain.payments import EPayAccount, Payments
from clinx.payments.notice import Irrelevant, Lapsed, Notice, Refused
from clinx.payments.provider import PayPage, ProviderUnavailable

NOTIFY_PATH: Final = "/api/user/epay/notify"
_UNSIGNED: Final = frozenset({"sign", "sign_type"})
_MONEY: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?")
_LONGEST_ANSWER: Final = 64 << 10
_LONGEST_REFERENCE: Final = 255
_FOUND: Final = "1"
_PAID: Final = "1"


class Answer(msgspec.Struct, frozen=True):
    """What the site says of an order; its numbers may be text."""

    code: int | str
    status: int | str = ""
    out_trade_no: str = ""
    trade_no: int | str = ""
    money: msgspec.Raw = msgspec.Raw(b"")
    """As it was written, with its quotes if it has any: it is read exactly."""


def sign(params: Mapping[str, str], key: str) -> str:
    """Return the signature of parameters: lower-case hexadecimal MD5."""
    return hashlib.md5((_canonical(params) + key).encode(), usedforsecurity=False).hexdigest()


def _canonical(params: Mapping[str, str]) -> str:
    signed = sorted((name, value) for name, value in params.items() if value and name not in _UNSIGNED)
    return "&".join(f"{name}={value}" for name, value in signed)


def page(account: EPayAccount, order: Order, payments: Payments) -> PayPage:
    """Return the site's page for an order, with the signed parameters it wants."""
    params = {
        "pid": account.merchant,
        "type": order.method,
        "out_trade_no": order.id,
        "notify_url": f"{payments.callback_url or ''}{NOTIFY_PATH}",
        "name": f"TUC{order.amount}",
        "money": order.shown_price,
        "device": "pc",
        "return_url": payments.return_url,
        "sign_type": "MD5",
    }
    return PayPage(f"{account.url}/submit.php", {**params, "sign": sign(params, account.key)})


def read_notice(account: EPayAccount, pairs: Iterable[tuple[str, str]]) -> Notice:
    """Read the parameters of a notification, in the order they came."""
    given = list(pairs)
    params = dict(given)
    digest = hashlib.sha256(_canonical(params).encode("utf-8", "surrogatepass")).hexdigest()
    order_id = params.get("out_trade_no", "")

    def refuse(outcome: Outcome, why: str) -> Refused:
        return Refused(outcome, digest, order_id, why)

    if len(params) != len(given):
        return refuse(Outcome.MALFORMED, "a parameter is repeated")
    if params.get("sign_type") != "MD5" or not _is_signed(params, account.key):
        return refuse(Outcome.FORGED, "the signature does not fit")
    if params.get("pid") != account.merchant:
        return refuse(Outcome.WRONG_MERCHANT, "another merchant's")
    if params.get("trade_status") != "TRADE_SUCCESS":
        return Irrelevant()
    paid, reference = _money(params.get("money", "")), params.get("trade_no", "")
    if paid is None or not _is_reference(reference):
        return refuse(Outcome.MALFORMED, "the money or the trade number cannot be read")
    return Payment(PaymentProvider.EPAY, order_id, paid, None, reference or None, digest)


def _is_signed(params: Mapping[str, str], key: str) -> bool:
    try:
        expected = sign(params, key)
    except UnicodeEncodeError:  # Half a character: nobody signed that.
        return False
    return hmac.compare_digest(expected.encode(), params.get("sign", "").encode("utf-8", "surrogatepass"))


def _money(text: str) -> Fraction | None:
    return Fraction(text) if _MONEY.fullmatch(text) else None


def _is_reference(text: str) -> bool:
    return len(text) <= _LONGEST_REFERENCE and (not text or text.isprintable())


class EPay:
    """One merchant's account at one site; see `clinx.payments.provider.Provider`."""

    def __init__(self, account: EPayAccount, session: aiohttp.ClientSession) -> None:
        """Take the account, and the session to ask through."""
        self._account = account
        self._session = session

    async def open(self, order: Order, payments: Payments) -> PayPage:
        """See `Provider`. The site hears of the order when the payer's browser comes."""
        return page(self._account, order, payments)

    async def ask(self, order: Order) -> Payment | Lapsed | None:
        """See `Provider`."""
        answer = await self._fetch(order)
        if str(answer.code) != _FOUND or str(answer.status) != _PAID:
            return None
        paid, reference = _money(bytes(answer.money).decode().strip('"')), str(answer.trade_no)
        if answer.out_trade_no != order.id or paid is None or not _is_reference(reference):
            raise ProviderUnavailable("epay: the answer is about something else")
        return Payment(PaymentProvider.EPAY, order.id, paid, None, reference or None, f"asked:{order.id}")

    async def _fetch(self, order: Order) -> Answer:
        query = {"act": "order", "pid": self._account.merchant, "key": self._account.key, "out_trade_no": order.id}
        url = f"{self._account.url}/api.php"
        try:
            async with self._session.get(url, params=query, allow_redirects=False) as response:
                status = response.status
                body = await _read(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            # Not the error's text: it may hold the address, and the address holds the key.
            raise ProviderUnavailable(f"epay: {type(error).__name__}") from None
        if status != 200:  # noqa: PLR2004  (HTTP)
            raise ProviderUnavailable(f"epay: status {status}")
        return _decode(body)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > _LONGEST_ANSWER:
            raise ProviderUnavailable("epay: the answer is too long")
    return bytes(body)


def _decode(body: bytes) -> Answer:
    try:
        return msgspec.json.decode(body, type=Answer)
    except msgspec.DecodeError:
        raise ProviderUnavailable("epay: the answer is not what the protocol says") from None
