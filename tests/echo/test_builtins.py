"""The echo server of this process is there once somebody names it, and only then."""

import aiohttp

from clinx.echo.builtins import ECHO, Builtins


async def test_what_nobody_names_is_not_started() -> None:
    builtins = Builtins()

    await builtins.ensure(["https://api.example", "builtin:other"])

    assert builtins.urls == {}
    await builtins.close()


async def test_what_is_named_is_started_once_and_stopped_at_the_end() -> None:
    builtins = Builtins()
    await builtins.ensure(iter([ECHO, ECHO]))
    url = builtins.urls[ECHO]
    await builtins.ensure([ECHO])

    async with aiohttp.ClientSession() as client:
        assert (await client.get(f"{url}/v1/models")).status < 500
        assert builtins.urls == {ECHO: url}
        await builtins.close()
        try:
            await client.get(f"{url}/v1/models")
        except aiohttp.ClientConnectionError:
            return
    raise AssertionError("it still answers")
