from datetime import timedelta

import msgspec

from clinx.accounts import tokens
from clinx.domain.identity import Status
from clinx.storage import request_logs, token_lists
from clinx.storage.database import Database
from clinx.storage.token_lists import TokenFilter
from support.database import START, make_caller, make_token, make_user, request_log


async def test_tokens_are_listed_a_page_at_a_time_the_latest_first(database: Database):
    ann = await make_user(database)
    made = [(await make_token(database, ann, name=name)).token for name in ("one", "two", "three")]

    first = await token_lists.page(database, TokenFilter(ann.id), below=None, limit=2)
    rest = await token_lists.page(database, TokenFilter(ann.id), below=first[-1].id, limit=2)

    assert [*first, *rest] == made[::-1]


async def test_all_that_is_given_must_hold(database: Database):
    ann, bob = await make_user(database, "ann"), await make_user(database, "bob")
    one = (await make_token(database, ann, name="CI one")).token
    two = (await make_token(database, ann, name="ci_two")).token
    await tokens.disable(database, two, at=START)
    three = (await make_token(database, bob, name="ci three")).token

    async def found(wanted: TokenFilter) -> list[int]:
        listed = [each.id for each in await token_lists.page(database, wanted, below=None, limit=9)]
        assert await token_lists.count(database, wanted, most=9) == len(listed)
        return listed

    assert await found(TokenFilter()) == [three.id, two.id, one.id]
    assert await found(TokenFilter(ann.id, Status.ACTIVE)) == [one.id]
    assert await found(TokenFilter(search="ci")) == [three.id, two.id, one.id]
    assert await found(TokenFilter(search="ci_")) == [two.id]
    assert await found(TokenFilter(search=one.hint.replace("…", "..."))) == [one.id]
    assert await found(TokenFilter(search="\x00%\ud800")) == []
    assert await token_lists.count(database, TokenFilter(), most=2) == 2


async def test_a_token_was_last_used_when_its_latest_call_ended(database: Database):
    ann, bob = await make_caller(database, "ann"), await make_caller(database, "bob")
    logs = [request_log(f"req-{number}", ann) for number in range(2)]
    later = msgspec.structs.replace(logs[1], at=START + timedelta(hours=1))
    await database.atomically(request_logs.append([later, logs[0]]))

    assert await token_lists.last_used(database, [ann.token.id, bob.token.id]) == {
        ann.token.id: START + timedelta(hours=1)
    }
    assert await token_lists.last_used(database, []) == {}
