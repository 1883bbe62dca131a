import pytest

from clinx.accounts.failures import IdempotencyConflict
from clinx.graphql.once import once
from support.operations import Api


class Work:
    """Counts how often it is done, and fails when it is told to."""

    def __init__(self) -> None:
        self.done = 0
        self.fails = False

    async def __call__(self) -> tuple[str, str]:
        self.done += 1
        if self.fails:
            raise ValueError
        return f"thing-{self.done}", f"secret-{self.done}"


async def test_it_is_done_once_and_shown_once(api: Api):
    context, work = await api.visit(await api.user("ann")), Work()

    assert await once(context, "make", "key", {"b": 1, "a": 2}, work) == ("thing-1", "secret-1")
    assert await once(context, "make", "key", {"a": 2, "b": 1}, work) == ("thing-1", None)
    assert await once(context, "make", "other", {"a": 2, "b": 1}, work) == ("thing-2", "secret-2")


@pytest.mark.parametrize(("operation", "asked"), [("make", 2), ("break", 1)])
async def test_a_key_is_for_one_thing(api: Api, operation: str, asked: int):
    context, work = await api.visit(await api.user("ann")), Work()
    await once(context, "make", "key", 1, work)

    with pytest.raises(IdempotencyConflict):
        await once(context, operation, "key", asked, work)
    assert work.done == 1


async def test_keys_are_each_user_s_own(api: Api):
    work = Work()
    for name in ("ann", "bob"):
        await once(await api.visit(await api.user(name)), "make", "key", 1, work)

    assert work.done == 2


async def test_what_failed_may_be_done_again(api: Api):
    context, work = await api.visit(await api.user("ann")), Work()
    work.fails = True
    with pytest.raises(ValueError):
        await once(context, "make", "key", 1, work)
    work.fails = False

    assert await once(context, "make", "key", 1, work) == ("thing-2", "secret-2")
