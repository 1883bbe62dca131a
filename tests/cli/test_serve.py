"""`clinx serve` as an operator meets it: a process of its own, with real signals."""

import asyncio
import json
import os
import re
import shlex
import signal
import socket
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from clinx.app import start_gateway
from clinx.cli import main
from clinx.settings import Settings
from support.database import lay_tables
from support.fake_upstream import FakeUpstream, hang, pause, sse
from support.gateway import chat, chunks, tree_for
from support.tree import SMALL, tree

DEADLINE = 30.0
"""Seconds until a test gives up on a process that says nothing."""
BROKEN = SMALL.replace("provider: echo", "provider: ecko")
BROKEN_SAYS = 'gateway.yaml:5:28 E201 unknown provider "ecko" (did you mean "echo"?)'
IMPATIENT = (
    "import sys; from clinx.cli import main; from clinx.web import presence; "
    "presence.HURRY = 0.1; sys.exit(main(sys.argv[1:]))"
)
"""The same command, with seconds that are shorter than five."""


@dataclass
class Served:
    """A process, and what it has said so far."""

    process: asyncio.subprocess.Process
    session: aiohttp.ClientSession
    said: list[str] = field(default_factory=list)
    url: str = ""
    revision: str = ""

    async def says(self, pattern: str) -> re.Match[str]:
        """Wait for a line."""
        assert self.process.stderr is not None
        async with asyncio.timeout(DEADLINE):
            while line := (await self.process.stderr.readline()).decode():
                self.said.append(line.rstrip("\n"))
                if found := re.search(pattern, line):
                    return found
        raise AssertionError(f"it never said {pattern!r}:\n" + "\n".join(self.said))

    async def logs(self, event: str) -> dict[str, Any]:
        """Wait for an event of the log."""
        return json.loads((await self.says(rf'^{{.*"event":"{re.escape(event)}"')).string)

    async def is_up(self) -> None:
        found = await self.says(r"^  Clinx (\w+) at (http://\S+)$")
        self.revision, self.url = found[1], found[2]

    def told(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def ends(self) -> int:
        """Wait for the end; return the exit code."""
        assert self.process.stderr is not None
        async with asyncio.timeout(DEADLINE):
            self.said += (await self.process.stderr.read()).decode().splitlines()
            return await self.process.wait()

    async def key(self) -> str:
        return (await self.says(r"Authorization: Bearer (sk-\w+)"))[1]

    async def stream(self, key: str, model: str = "fake-model") -> aiohttp.ClientResponse:
        headers = {"Authorization": f"Bearer {key}"}
        url = f"{self.url}/v1/chat/completions"
        return await self.session.post(url, json=chat(model, stream=True), headers=headers)

    async def get(self, path: str) -> Any:
        async with self.session.get(self.url + path) as response:
            return await response.json()


def environment(folder: Path, more: Mapping[str, str]) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("CLINX_")}
    return {**ours, "CLINX_PORT": "0", "CLINX_STATE_DIR": str(folder / "state"), "CLINX_WATCH": "false", **more}


@asynccontextmanager
async def serving(
    folder: Path, *arguments: str, program: tuple[str, ...] = ("-m", "clinx"), **more: str
) -> AsyncGenerator[Served]:
    """Run the command over the tree in ``folder / "tree"``, which may be empty, as if it had run there before."""
    root = folder / "tree"
    root.mkdir(exist_ok=True)
    if not (folder / "state").exists():
        lay_tables(folder / "state" / "clinx.db")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *program, "serve", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        cwd=root,
        env=environment(folder, more),
    )
    async with aiohttp.ClientSession() as session:
        served = Served(process, session)
        try:
            yield served
        finally:
            if process.returncode is None:
                process.kill()
            await served.ends()


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_says_where_it_listens_and_ends_when_told_to(tmp_path: Path, number: signal.Signals) -> None:
    tree(tmp_path / "tree", {"gateway.yaml": SMALL})
    async with serving(tmp_path) as served:
        await served.is_up()
        await served.says("clinx user create alice")
        health = await served.get("/-/health")
        revision = await served.get("/-/revision")
        served.told(number)
        code = await served.ends()

    assert (code, health) == (0, {"status": "ok"})
    assert revision["revision"] == served.revision
    assert not any("sk-" in line for line in served.said)
    assert [json.loads(line)["event"] for line in served.said if line.startswith("{")] == [
        "shutdown.started",
        "shutdown.finished",
    ]


@pytest.mark.parametrize("arguments", [(), ("--demo",)], ids=["empty-folder", "demo"])
async def test_the_curl_that_is_printed_works(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    async with serving(tmp_path, *arguments) as served:
        await served.is_up()
        await served.says(r"^  or point any OpenAI client at it")
        text = "\n".join(served.said).replace("\\\n", "")
        curl, no_buffer, url, *options = shlex.split(text[text.index("curl -N") : text.index("\n\n  or point")])
        given = list(zip(options[::2], options[1::2], strict=True))
        headers = dict(value.split(": ") for name, value in given if name == "-H")
        [body] = [value for name, value in given if name == "-d"]
        async with served.session.post(url, data=body, headers=headers) as response:
            status, answer = response.status, await response.text()

    assert (curl, no_buffer) == ("curl", "-N")
    assert status == 200
    assert answer.startswith("data: {")
    assert answer.endswith("data: [DONE]\n\n")


async def test_a_running_stream_is_finished_before_the_process_ends(tmp_path: Path, upstream: FakeUpstream) -> None:
    more, events = asyncio.Event(), chunks("Hello")
    upstream.streams([sse(*events[:2], done=False), pause(more), sse(*events[2:])])
    tree(tmp_path / "tree", tree_for(upstream.url))
    async with serving(tmp_path, "--demo") as served:
        await served.is_up()
        response = await served.stream(await served.key())
        await response.content.readuntil(b'"Hello"')
        served.told(signal.SIGTERM)
        started = await served.logs("shutdown.started")
        more.set()
        rest = await response.content.read()
        finished = await served.logs("exchange.finished")
        code = await served.ends()

    assert started["grace_seconds"] == 120
    assert rest.endswith(b"data: [DONE]\n\n")
    assert (finished["outcome"], finished["charge"]) == ("ok", "0.000015")
    assert code == 0


async def test_a_second_signal_ends_a_running_stream_with_an_error(tmp_path: Path, upstream: FakeUpstream) -> None:
    upstream.streams([sse(*chunks("Hello")[:2], done=False), hang()])
    tree(tmp_path / "tree", tree_for(upstream.url))
    async with serving(tmp_path, "--demo", program=("-c", IMPATIENT), CLINX_SHUTDOWN_GRACE="3600") as served:
        await served.is_up()
        response = await served.stream(await served.key())
        await response.content.readuntil(b'"Hello"')
        served.told(signal.SIGINT)
        await served.logs("shutdown.started")
        served.told(signal.SIGINT)
        rest = await response.content.read()
        failed = await served.logs("exchange.failed")
        code = await served.ends()

    assert b'"code":"shutting_down"' in rest
    assert (failed["outcome"], failed["usage"]["output"]) == ("shutting_down", 1)
    assert code == 0


async def test_a_hangup_signal_makes_it_look_at_the_tree(tmp_path: Path) -> None:
    root = tree(tmp_path / "tree", {"gateway.yaml": SMALL})
    async with serving(tmp_path) as served:
        await served.is_up()
        tree(root, {"gateway.yaml": BROKEN})
        served.told(signal.SIGHUP)
        failed = await served.logs("config.reload_failed")
        kept = await served.get("/-/revision")
        tree(root, {"gateway.yaml": SMALL + "# again\n"})
        served.told(signal.SIGHUP)
        reloaded = await served.logs("config.reloaded")
        served.told(signal.SIGTERM)
        code = await served.ends()

    assert failed["diagnostics"] == [BROKEN_SAYS]
    assert (kept["revision"], kept["last_reload"]["ok"]) == (served.revision, False)
    assert reloaded["revision"] not in {served.revision, failed["revision"]}
    assert code == 0


async def test_a_broken_tree_is_one_line_for_each_finding_and_exit_1(tmp_path: Path) -> None:
    tree(tmp_path / "tree", {"gateway.yaml": BROKEN, "providers/x.yaml": "provider: y\n"})
    async with serving(tmp_path, CLINX_TYPO="1") as served:
        code = await served.ends()

    assert code == 1
    assert served.said == [
        "warning: CLINX_TYPO is no setting; see clinx serve --help",
        BROKEN_SAYS,
        'providers/x.yaml:1:11 E209 provider "y" in a file called x.yaml',
    ]


async def test_the_last_good_tree_is_served_over_a_broken_one(tmp_path: Path) -> None:
    root = tree(tmp_path / "tree", {"gateway.yaml": SMALL})
    before = await start_gateway(Settings(root=root, state_dir=tmp_path / "state", port=0))
    good = before.current.snapshot.revision.id
    await before.stop(0)
    tree(root, {"gateway.yaml": BROKEN})
    async with serving(tmp_path, "--last-good") as served:
        failed = await served.logs("config.reload_failed")
        await served.logs("config.serving_last_good")
        await served.is_up()
        served.told(signal.SIGTERM)
        code = await served.ends()

    assert failed["diagnostics"] == [BROKEN_SAYS]
    assert (served.revision, code) == (good, 0)


async def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    tree(tmp_path / "tree", {"gateway.yaml": SMALL})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with serving(tmp_path, "--port", port) as served:
            code = await served.ends()

    [line] = served.said
    assert code == 1
    assert line.startswith("clinx serve: ")
    assert port in line
    assert "address already in use" in line


async def test_a_database_that_is_away_is_one_line_that_says_why(tmp_path: Path) -> None:
    async with serving(tmp_path, CLINX_DATABASE_URL="postgres://nobody@127.0.0.1:1/nothing") as served:
        code = await served.ends()

    [line] = served.said
    assert code == 1
    assert re.fullmatch(r"clinx serve: .*database cannot be used.* \(.+\)", line)


async def test_a_folder_that_is_not_there_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    async with serving(tmp_path, "--root", "nowhere") as served:
        code = await served.ends()

    assert (code, served.said) == (1, ["gateway.yaml:1:1 E110 folder nowhere: No such file or directory"])


@pytest.fixture
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"CLINX_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_no_settings")
@pytest.mark.parametrize(
    ("environ", "arguments", "message"),
    [
        ({"CLINX_PORT": "http"}, (), "CLINX_PORT: Input should be a valid integer, unable to parse"),
        ({"CLINX_PORT": "70000"}, (), "CLINX_PORT: Input should be less than or equal to 65535"),
        ({}, ("--port", "70000"), "CLINX_PORT: Input should be less than or equal to 65535"),
        ({"CLINX_LOG_LEVEL": "loud"}, (), "CLINX_LOG_LEVEL: Input should be 'debug', 'info', 'warning' or 'error'"),
    ],
)
def test_a_wrong_setting_is_one_line_and_nothing_is_made(
    environ: dict[str, str],
    arguments: tuple[str, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    code = main(["serve", *arguments])

    out, err = capsys.readouterr()
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"clinx serve: {message}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_no_settings")
def test_every_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CLINX_PORT", "-1")
    monkeypatch.setenv("CLINX_WATCH", "perhaps")

    assert main(["serve"]) == 1
    assert re.findall(r"CLINX_\w+", capsys.readouterr().err) == ["CLINX_PORT", "CLINX_WATCH"]


def test_help_lists_every_setting_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["serve", "--help"])

    listed = dict(re.findall(r"^  (CLINX_\w+) +(\S.*)$", capsys.readouterr().out, re.MULTILINE))
    assert caught.value.code == 0
    assert list(listed) == [f"CLINX_{name.upper()}" for name in Settings.model_fields]
    assert listed["CLINX_PORT"] == "Port to listen on; 0 takes a free one. (default: 8787)"
    assert listed["CLINX_OPS_TOKEN"].endswith("empty allows loopback only.")
