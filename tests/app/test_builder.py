import asyncio
import socket
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from clinx.app.builder import start_gateway
from clinx.config.diagnostics import ConfigError
from clinx.echo import EchoServer, builtins
from clinx.settings import Settings, Worker
from clinx.storage.failures import StorageUnavailable
from clinx.web import presence
from support.database import lay_tables
from support.fake_upstream import FakeUpstream, hang, pause, sse
from support.gateway import Running, chat, chunks, completion, running_gateway, tree_for
from support.tree import SMALL, tree

FAR = tree_for("http://127.0.0.1:9")
"""A good tree that needs no server of this process."""
BROKEN = SMALL.replace("provider: echo", "provider: ecko")


def settings(folder: Path, files: dict[str, str] | None = None, **more: Any) -> Settings:
    root = tree(folder / "tree", FAR if files is None else files)
    given = {"root": root, "state_dir": folder / "state", "port": 0, "watch": False, **more}
    if not (folder / "state").exists():
        lay_tables(folder / "state" / "clinx.db")
    return Settings.model_validate(given)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  (the condition is what an operator would see)
            await asyncio.sleep(0.005)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def address(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").rpartition(":")
    return host, int(port)


def is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port), reuse_port=False):
            return True
    except OSError:
        return False


def running() -> set[str]:
    """Everything of a gateway that could be left running: tasks, and the threads of a database."""
    tasks = {task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()}
    threads = {thread.name for thread in threading.enumerate() if thread is not threading.main_thread()}
    return tasks | {name for name in threads if not name.startswith("asyncio_")}


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest.fixture
def echoes(monkeypatch: pytest.MonkeyPatch) -> list[EchoServer]:
    """The echo servers that were started, real ones."""
    started: list[EchoServer] = []

    class Watched(EchoServer):
        @classmethod
        async def start(cls, **more: Any) -> EchoServer:
            server = await super().start(**more)
            started.append(server)
            return server

    monkeypatch.setattr(builtins, "EchoServer", Watched)
    return started


async def test_a_started_gateway_answers_and_a_stopped_one_leaves_nothing(tmp_path: Path) -> None:
    before = running()
    gateway = await start_gateway(settings(tmp_path))
    host, port = address(gateway.url)
    during = running() - before
    async with aiohttp.ClientSession() as session, session.get(f"{gateway.url}/-/ready") as response:
        ready = response.status

    await gateway.stop(0)

    assert (host, ready) == ("127.0.0.1", 200)
    assert {"vault", "presence", "sweep"} <= during
    await until(lambda: running() <= before)
    assert is_free(port)


async def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, FAR) as first:
        key = await first.key()
    async with running_gateway(tmp_path, FAR) as second:
        status, _ = await second.get("/v1/models", key=key)

    assert status == 200


async def test_a_port_that_is_taken_is_said_and_nothing_stays_open(tmp_path: Path) -> None:
    before = running()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="address already in use"):
            await start_gateway(settings(tmp_path, port=port))
        await until(lambda: running() <= before)

    gateway = await start_gateway(settings(tmp_path, port=port))
    await gateway.stop(0)


async def test_a_broken_tree_is_refused_with_its_places_and_nothing_stays_open(tmp_path: Path) -> None:
    before, port = running(), free_port()

    with pytest.raises(ConfigError) as caught:
        await start_gateway(settings(tmp_path, {"gateway.yaml": BROKEN}, port=port))

    assert [str(each) for each in caught.value.diagnostics] == [
        'gateway.yaml:5:28 E201 unknown provider "ecko" (did you mean "echo"?)'
    ]
    await until(lambda: running() <= before)
    assert is_free(port)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("mysql://127.0.0.1/clinx", ValueError),
        ("postgres://nobody@127.0.0.1:1/nothing", StorageUnavailable),
        ("sqlite:////dev/null/clinx.db", StorageUnavailable),
    ],
)
async def test_a_database_that_cannot_be_used_is_refused_and_nothing_stays_open(
    tmp_path: Path, url: str, error: type[Exception]
) -> None:
    before, port = running(), free_port()

    with pytest.raises(error):
        await start_gateway(settings(tmp_path, database_url=url, port=port))

    await until(lambda: running() <= before)
    assert is_free(port)


async def test_the_last_good_tree_is_served_when_it_is_asked_for(tmp_path: Path) -> None:
    first = await start_gateway(settings(tmp_path))
    good = first.current.snapshot.revision.id
    await first.stop(0)
    broken = settings(tmp_path, {"gateway.yaml": BROKEN})

    with pytest.raises(ConfigError):
        await start_gateway(broken)
    gateway = await start_gateway(broken, last_good=True)

    state = gateway.current.state
    assert gateway.current.snapshot.revision.id == good
    assert (state.ok, [each.code for each in state.diagnostics]) == (False, ["E201"])
    await gateway.stop(0)


async def test_without_a_last_good_tree_a_broken_one_is_refused_all_the_same(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        await start_gateway(settings(tmp_path, {"gateway.yaml": BROKEN}), last_good=True)


async def test_a_good_tree_is_served_even_when_the_last_good_one_would_do(tmp_path: Path) -> None:
    first = await start_gateway(settings(tmp_path))
    await first.stop(0)
    gateway = await start_gateway(settings(tmp_path, {"gateway.yaml": SMALL}), last_good=True)

    assert list(gateway.current.snapshot.models) == ["small"]
    assert gateway.current.state.ok
    await gateway.stop(0)


async def test_a_folder_without_a_tree_serves_the_example_until_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    async with running_gateway(tmp_path, {}, watch=False) as gateway:
        before = gateway.gateway.is_example
        status, body = await gateway.post("/v1/chat/completions", chat("echo"), key=await gateway.key())
        tree(gateway.root, FAR)
        assert await gateway.gateway.reloader.reload()
        after = gateway.gateway.is_example

    assert (before, after) == (True, False)
    assert status == 200
    assert "Say hello." in body["choices"][0]["message"]["content"]


async def test_a_reload_that_is_asked_for_serves_what_is_there_now(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, FAR, watch=False) as gateway:
        gateway.write("gateway.yaml", SMALL)
        gateway.gateway.request_reload()
        await until(lambda: list(gateway.gateway.current.snapshot.models) == ["small"])


async def test_a_reload_of_a_broken_tree_is_reported_and_the_old_one_goes_on(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, FAR, watch=False) as gateway:
        served = gateway.gateway.current.snapshot
        gateway.write("gateway.yaml", BROKEN)
        gateway.gateway.request_reload()
        await until(lambda: not gateway.gateway.current.state.ok)
        status, _ = await gateway.get("/v1/models", key=await gateway.key())

    assert gateway.gateway.current.snapshot is served
    assert status == 200
    figures = gateway.gateway.metrics.render().decode()
    assert "clinx_config_last_reload_successful 0.0" in figures
    assert f'clinx_config_revision_info{{revision="{served.revision.id}"}} 1.0' in figures


@pytest.mark.parametrize(("redis", "codes"), [("", ["E503"]), ("redis://127.0.0.1:1/0", [])])
async def test_a_reload_that_adds_what_workers_cannot_count_is_refused_unless_they_have_a_redis(
    tmp_path: Path, redis: str, codes: list[str]
) -> None:
    worker = Worker(index=0, of=2, line=0, greets=False, folder=tmp_path)
    gateway = await start_gateway(settings(tmp_path, redis=redis), worker=worker)
    limit = "- name: few\n  limit: {requests: 1, per: 1m}\n"
    tree(tmp_path / "tree", {"policies/limits.yaml": limit})
    taken_up = await gateway.reloader.reload()
    found = [each.code for each in gateway.current.state.diagnostics if each.code.startswith("E")]
    await gateway.stop(1)

    assert (taken_up, found) == (not codes, codes)


async def test_a_reload_just_before_the_end_leaves_nothing_behind(tmp_path: Path, echoes: list[EchoServer]) -> None:
    gateway = await start_gateway(settings(tmp_path))
    tree(tmp_path / "tree", {"gateway.yaml": SMALL})

    gateway.request_reload()
    await gateway.stop(0)

    assert [is_free(address(echo.url)[1]) for echo in echoes] == [True]


async def test_the_tree_is_watched_unless_the_settings_say_no(tmp_path: Path) -> None:
    found: dict[bool, set[str]] = {}
    for watch in (True, False):
        gateway = await start_gateway(settings(tmp_path, watch=watch))
        found[watch] = running()
        await gateway.stop(0)

    assert {"watch"} <= found[True]
    assert not {"watch"} & found[False]


async def test_the_echo_server_runs_from_the_first_tree_that_uses_it_until_the_end(
    tmp_path: Path, echoes: list[EchoServer]
) -> None:
    async with running_gateway(tmp_path, FAR, watch=False) as gateway:
        assert echoes == []
        for text in (SMALL, FAR["gateway.yaml"], SMALL + "# again\n"):
            gateway.write("gateway.yaml", text)
            assert await gateway.gateway.reloader.reload()
        status, _ = await gateway.post("/v1/chat/completions", chat("small"), key=await gateway.key())
        [echo] = echoes
        during = is_free(address(echo.url)[1])

    assert status == 200
    assert (during, is_free(address(echo.url)[1])) == (False, True)


async def test_the_echo_server_of_a_start_that_fails_is_stopped(tmp_path: Path, echoes: list[EchoServer]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        await start_gateway(settings(tmp_path, {"gateway.yaml": SMALL}, port=taken.getsockname()[1]))

    assert [is_free(address(echo.url)[1]) for echo in echoes] == [True]


async def test_only_variables_with_a_prefix_of_the_settings_are_read_by_the_tree(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        await start_gateway(settings(tmp_path, env_prefixes="ACME_, OTHER_"))
    assert [each.code for each in caught.value.diagnostics] == ["E402"]

    gateway = await start_gateway(settings(tmp_path, env_prefixes=" ACME_ , UPSTREAM_ ,"))
    await gateway.stop(0)


async def test_stopping_refuses_newcomers_and_lets_a_running_stream_finish(
    tmp_path: Path, upstream: FakeUpstream
) -> None:
    more, events = asyncio.Event(), chunks("Hello")
    upstream.streams([sse(*events[:2], done=False), pause(more), sse(*events[2:])])
    async with started(tmp_path, upstream) as gateway:
        response = await open_stream(gateway)
        await response.content.readuntil(b'"Hello"')
        stopping = asyncio.get_running_loop().create_task(gateway.gateway.stop(30))
        await until(lambda: is_free(address(gateway.url)[1]))
        draining, waiting = gateway.gateway.readiness.draining, not stopping.done()
        more.set()
        rest = await response.content.read()
        await stopping

    assert (draining, waiting) == (True, True)
    assert rest.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("early", [True, False], ids=["before-it-is-noticed", "while-it-waits"])
async def test_in_a_hurry_a_running_stream_is_ended(
    tmp_path: Path, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch, early: bool
) -> None:
    monkeypatch.setattr(presence, "HURRY", 0.05)
    upstream.streams([sse(*chunks("Hello")[:2], done=False), hang()])
    async with started(tmp_path, upstream) as gateway:
        response = await open_stream(gateway)
        await response.content.readuntil(b'"Hello"')
        if early:
            gateway.gateway.hurry()
        stopping = asyncio.get_running_loop().create_task(gateway.gateway.stop(3600))
        await until(lambda: is_free(address(gateway.url)[1]))
        if not early:
            gateway.gateway.hurry()
        async with asyncio.timeout(10):
            rest = await response.content.read()
            await stopping

    assert b'"code":"shutting_down"' in rest


async def test_an_address_of_ipv6_is_written_in_brackets(tmp_path: Path) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    gateway = await start_gateway(settings(tmp_path, host="::1"))
    async with aiohttp.ClientSession() as session, session.get(f"{gateway.url}/-/health") as response:
        status = response.status
    await gateway.stop(0)

    assert gateway.url.startswith("http://[::1]:")
    assert status == 200


async def test_fifty_answers_have_fifty_ids(tmp_path: Path, upstream: FakeUpstream) -> None:
    upstream.answers(json=completion())
    async with running_gateway(tmp_path, tree_for(upstream.url)) as gateway:
        key = await gateway.key()
        await asyncio.gather(*(gateway.post("/v1/chat/completions", chat("free-model"), key=key) for _ in range(50)))
        rows = await gateway.request_logs()

    assert len({row.id for row in rows}) == 50


@asynccontextmanager
async def started(folder: Path, upstream: FakeUpstream) -> AsyncGenerator[Running]:
    """A gateway that the test itself stops."""
    gateway = await start_gateway(settings(folder, tree_for(upstream.url)))
    async with aiohttp.ClientSession() as session:
        yield Running(gateway, folder / "tree", session)


async def open_stream(gateway: Running) -> aiohttp.ClientResponse:
    return await gateway.session.post(
        f"{gateway.url}/v1/chat/completions",
        json=chat(stream=True),
        headers={"Authorization": f"Bearer {await gateway.key()}"},
    )
