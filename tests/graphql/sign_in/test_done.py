from clinx.graphql.errors import Problem
from clinx.graphql.sign_in.done import Done, done


async def test_what_was_done_is_said():
    async def work() -> None:
        return None

    assert await done(Done, work) == Done(done=True, errors=[])


async def test_an_expected_failure_is_in_the_payload():
    async def work() -> None:
        raise Problem("broken", "It is broken.", "id", most=3)

    payload = await done(Done, work)

    ((error,), is_done) = (payload.errors, payload.done)
    assert (error.code, error.path, is_done) == ("broken", ["id"], False)
