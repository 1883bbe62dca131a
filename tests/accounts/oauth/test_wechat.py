import pytest

from clinx.accounts.failures import AccountError
from clinx.accounts.oauth import wechat
from clinx.accounts.oauth.trip import Found
from clinx.upstream.fetch import Fetcher
from support.fake_issuers import FakeIssuers


async def refused(fake: FakeIssuers, code: str, fetch: Fetcher) -> str:
    with pytest.raises(AccountError) as caught:
        await wechat.find(fake.wechat_server(), code, fetch)
    return caught.value.code


async def test_who_sent_a_code_is_known(fake: FakeIssuers, fetch: Fetcher):
    assert await wechat.find(fake.wechat_server(), "123456", fetch) == Found("wechat", "oWx-ann")


@pytest.mark.parametrize("code", ["", "1", "12345 ", "../user", "1234&x=1", "654321", "1" * 33])
async def test_a_code_that_nobody_sent_is_nobody(fake: FakeIssuers, fetch: Fetcher, code: str):
    assert await refused(fake, code, fetch) == "issuer_refused"


@pytest.mark.parametrize("body", [b'{"success": true, "data": ""}', b'{"success": true, "data": "a b"}'], ids=str)
async def test_an_empty_id_is_nobody(fake: FakeIssuers, fetch: Fetcher, body: bytes):
    fake.body = body

    assert await refused(fake, "123456", fetch) == "issuer_refused"


async def test_a_server_that_fails_is_away(fake: FakeIssuers, fetch: Fetcher):
    fake.status = 502

    assert await refused(fake, "123456", fetch) == "issuer_unavailable"
