from datetime import timedelta

from msgspec.structs import replace

from clinx.domain.money import Amount
from clinx.storage import request_logs
from clinx.storage.database import Database
from support.database import START, make_caller, make_token, request_log


async def test_a_log_comes_back_whole(database: Database):
    caller = await make_caller(database)
    log = request_log("req-1", caller, charge=Amount(7))

    await database.atomically(request_logs.append([log, request_log("req-2")]))

    assert await request_logs.find(database, "req-1") == log
    assert await request_logs.find(database, "req-2") == request_log("req-2")
    assert await request_logs.find(database, "req-3") is None


async def test_the_newest_come_first_by_user_and_before_an_instant(database: Database):
    ann, bob = await make_caller(database, "ann"), await make_caller(database, "bob")
    logs = [replace(request_log(f"req-{n}", (ann, bob)[n % 2]), at=START + timedelta(seconds=n)) for n in range(6)]
    await database.atomically(request_logs.append(logs))

    assert await request_logs.latest(database) == logs[::-1]
    assert await request_logs.latest(database, user_id=bob.user.id, limit=2) == [logs[5], logs[3]]
    assert await request_logs.latest(database, user_id=ann.user.id, before=logs[4].at) == [logs[2], logs[0]]


async def test_the_logs_of_one_token_are_told_from_those_of_its_user(database: Database):
    ann = await make_caller(database, "ann")
    other = (await make_token(database, ann.user, name="other")).token
    logs = [
        replace(request_log(f"req-{n}", ann), at=START + timedelta(seconds=n), token_id=(ann.token.id, other.id)[n % 2])
        for n in range(4)
    ]
    await database.atomically(request_logs.append(logs))

    assert await request_logs.latest(database, user_id=ann.user.id, token_id=other.id) == [logs[3], logs[1]]
    assert await request_logs.latest(database, token_id=ann.token.id, limit=1) == [logs[2]]
    assert await request_logs.latest(database, user_id=ann.user.id + 1, token_id=other.id) == []


async def test_those_that_were_written_are_known(database: Database):
    await database.atomically(request_logs.append([request_log("a"), request_log("b")]))

    assert await database.atomically(request_logs.known(["a", "c"])) == {"a"}
