"""WeChat: a verification server knows who sent which code to an official account."""

from __future__ import annotations

import re
from typing import Final

import msgspec
from yarl import URL

from clinx.accounts.oauth import fetch as door
from clinx.accounts.oauth.fetch import JSON, Fetch
from clinx.accounts.oauth.refusals import IssuerRefused
from clinx.accounts.oauth.trip import Found
from clinx.domain.console import WeChatServer

PROVIDER: Final = "wechat"
_CODE: Final = re.compile(r"[A-Za-z0-9]{4,32}")
_SUBJECT: Final = re.compile(r"[\x21-\x7e]{1,255}")


class _Told(msgspec.Struct, frozen=True):
    success: bool
    data: str = ""


async def find(server: WeChatServer, code: str, fetch: Fetch) -> Found:
    """Return who sent a code.

    Raises:
        AccountError: nobody did, or the server does not answer.
    """
    if not _CODE.fullmatch(code):
        raise IssuerRefused
    address = str(URL(f"{server.url.rstrip('/')}/api/wechat/user").with_query(code=code))
    told = await door.get(fetch, address, shape=_Told, headers={**JSON, "Authorization": server.token})
    if not told.success or not _SUBJECT.fullmatch(told.data):
        raise IssuerRefused
    return Found(PROVIDER, told.data)
