from datetime import UTC, datetime, timedelta

import pytest

from clinx.accounts.failures import AccountError
from clinx.accounts.oauth.telegram import FRESH, read, sign
from clinx.accounts.oauth.trip import Found
from clinx.domain.console import TelegramBot

BOT = TelegramBot("example_bot", "123456:TESTTOKEN")
AT = datetime.fromtimestamp(1700000000, UTC)
PARAMS = {
    "auth_date": "1700000000",
    "first_name": "Ann",
    "id": "42",
    "username": "ann",
    "hash": "da69ea181397505b3916eaf08747cfcfee51ebdea383bff718e7715685700070",
}


def signed(token: str = BOT.token, **params: str) -> dict[str, str]:
    text = "\n".join(f"{name}={value}" for name, value in sorted(params.items()))
    return {**params, "hash": sign(token, text)}


def refuses(params: dict[str, str], bot: TelegramBot = BOT, at: datetime = AT) -> bool:
    with pytest.raises(AccountError) as caught:
        read(bot, params, at)
    return caught.value.code == "issuer_refused"


def test_the_word_of_the_widget_is_believed_and_what_is_ours_in_the_address_is_not_part_of_it():
    assert read(BOT, {**PARAMS, "state": "s"}, AT) == Found("telegram", "42", name="ann")


def test_who_has_no_user_name_is_called_by_the_others():
    params = signed(auth_date="1700000000", first_name="李", id="42", last_name="雷", photo_url="https://t.me/x.jpg")

    assert read(BOT, params, AT) == Found("telegram", "42", name="李 雷")


@pytest.mark.parametrize(
    "changed",
    [{"id": "43"}, {"hash": ""}, {"hash": "é"}, {"hash": PARAMS["hash"].upper()}, {"last_name": "B"}, {"id": "42\n"}],
    ids=str,
)
def test_anything_else_is_not(changed: dict[str, str]):
    assert refuses({**PARAMS, **changed})


@pytest.mark.parametrize("missing", ["hash", "id", "auth_date", "username"])
def test_nothing_may_be_missing(missing: str):
    assert refuses({name: value for name, value in PARAMS.items() if name != missing})


@pytest.mark.parametrize(
    "params", [{"id": "42"}, {"auth_date": "1700000000"}, {"auth_date": "1e9", "id": "42"}], ids=str
)
def test_what_is_signed_must_still_be_whole(params: dict[str, str]):
    assert refuses(signed(**params))


def test_the_word_is_good_for_a_while():
    assert read(BOT, PARAMS, AT + FRESH).subject == "42"
    assert refuses(PARAMS, at=AT + FRESH + timedelta(seconds=1))
    assert refuses(PARAMS, at=AT - FRESH - timedelta(seconds=1))


def test_without_a_token_of_the_bot_nothing_is_believed():
    nobody = TelegramBot("example_bot", "")

    assert refuses(signed("", auth_date="1700000000", id="42"), nobody)
