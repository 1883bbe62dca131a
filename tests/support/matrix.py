"""One client against vendors of every format, through one running gateway: what each pair must be able to do.

A client's file says how its SDK asks and hears (`Matrix`'s four methods); what must come of it is here.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, TypeVar

import pytest
import pytest_asyncio

from clinx.domain.usage import Usage
from support import vendors
from support.fake_upstream import FakeUpstream, pause
from support.gateway import Running, running_gateway
from support.vendors import Scene

T = TypeVar("T")

FORMATS = ["openai_chat", "openai_responses", "anthropic", "gemini"]
PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TREE = """\
version: 1
models: {{openai_chat: {price}, openai_responses: {price}, anthropic: {price}, gemini: {price}}}
channels:
  - {{name: chat, provider: openai-compatible, models: [{{openai_chat: gpt-4o}}], {more}}}
  - {{name: responses, provider: responses, models: [{{openai_responses: gpt-5.1}}], {more}}}
  - {{name: messages, provider: anthropic, models: [{{anthropic: claude-opus-4-5}}], {more}}}
  - {{name: contents, provider: gemini, models: [{{gemini: gemini-2.5-flash}}], {more}}}
"""
PRICE = (
    '{price: {input: "1", cache_read: "0.1", cache_write: "1.25", cache_write_1h: "2", output: "10", per: 1M},'
    " max_output: 8000}"
)
RESPONSES = "provider: responses\nextends: openai\nendpoints: {chat: ~, completions: ~, embeddings: ~}\n"


@dataclass
class Quarter:
    """A gateway with a channel of each format, one vendor behind all of them, and a caller."""

    gateway: Running
    upstream: FakeUpstream
    key: str
    _clients: dict[Callable[[Quarter], Any], Any] = field(default_factory=dict)

    def kept(self, make: Callable[[Quarter], T]) -> T:
        """The client that is made this way: making one takes longer than asking it."""
        if make not in self._clients:
            self._clients[make] = make(self)
        return self._clients[make]

    async def leave(self) -> None:
        for client in self._clients.values():
            if hasattr(client, "__aexit__"):
                await client.__aexit__(None, None, None)
            else:
                client.__exit__(None, None, None)

    def script(self, dialect: str, scene: Scene, *, streams: bool) -> None:
        self.upstream.forget()
        if streams:
            said = vendors.stream(dialect, scene)
            self.upstream.streams([said[: len(said) // 2], said[len(said) // 2 :]])
        else:
            self.upstream.answers(json=vendors.whole(dialect, scene))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def quarter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Quarter]:
    folder = tmp_path_factory.mktemp("matrix")
    async with FakeUpstream() as upstream:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("UPSTREAM_KEY", "vendor-secret")
            more = f'base_url: "{upstream.url}", credentials: ["${{env:UPSTREAM_KEY}}"], groups: [default]'
            files = {"gateway.yaml": TREE.format(price=PRICE, more=more), "providers/responses.yaml": RESPONSES}
            async with running_gateway(folder, files) as gateway:
                town = Quarter(gateway, upstream, await gateway.key())
                yield town
                await town.leave()


@dataclass(frozen=True)
class Heard:
    """What a client's program hears."""

    text: str = ""
    thoughts: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    """Names, and arguments as sorted JSON."""
    finish: str = ""
    usage: tuple[int, int, int] | None = None
    """Prompt, of which cached; answer."""
    turn: Any = field(default=None, compare=False)
    """What the client sends back of it."""


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Ask:
    """What a client's program asks."""

    model: str
    text: str = "Say hello."
    system: str | None = None
    picture: str | None = None
    """PNG in base64."""
    schema: Any = None
    tools: Sequence[str] = ()
    thinks: bool = False
    heard: Heard | None = None
    """An earlier answer with calls."""
    results: Sequence[str] = ()
    on_text: Callable[[], None] = _nothing
    """Called whenever a stream says something."""


BILL = Usage(input=70, cache_read=30, output=15, reasoning=5, call=1), "0.000273"
"""What `HELLO` uses and costs: thoughts cost what the rest of an answer costs."""
BILLS = {
    "anthropic": (Usage(input=60, cache_read=30, cache_write=6, cache_write_1h=4, output=20, call=1), "0.0002785"),
}
HELLO = Scene(pieces=("Hello ", "thére!"))
CALLING = Scene(calls=(("weather", {"city": "Rome"}), ("weather", {"city": "Oslo"})), finish="tool_calls")
THINKING = Scene(thoughts="hm.", pieces=("Yes",))

upstreams = pytest.mark.parametrize("upstream", FORMATS)
ways = pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])


class Matrix:
    """The tests of one client."""

    speaks: ClassVar[str]
    words: ClassVar[dict[str, str]]
    """What it calls why an answer ended."""
    failure: ClassVar[type[Exception]]
    refusal: ClassVar[type[Exception]]
    """Of a request that the vendor does not take."""

    async def whole(self, quarter: Quarter, ask: Ask) -> Heard:
        raise NotImplementedError

    async def stream(self, quarter: Quarter, ask: Ask) -> Heard:
        raise NotImplementedError

    def whole_in_a_thread(self, quarter: Quarter, ask: Ask) -> Heard:
        raise NotImplementedError

    def stream_in_a_thread(self, quarter: Quarter, ask: Ask) -> Heard:
        raise NotImplementedError

    async def hear(self, quarter: Quarter, ask: Ask, *, streams: bool) -> Heard:
        return await (self.stream if streams else self.whole)(quarter, ask)

    def expected(self, scene: Scene) -> Heard:
        calls = tuple((name, json.dumps(given, sort_keys=True)) for name, given in scene.calls)
        return Heard(scene.text, scene.thoughts, calls, self.words[scene.finish], (100, 30, 20))

    @upstreams
    @ways
    async def test_an_answer_is_told_and_charged_exactly(self, quarter: Quarter, upstream: str, streams: bool) -> None:
        quarter.script(upstream, HELLO, streams=streams)

        heard = await self.hear(quarter, Ask(upstream), streams=streams)

        assert heard == self.expected(HELLO)
        log = (await quarter.gateway.request_logs())[0]
        assert (log.dialect, log.usage, str(log.charge)) == (self.speaks, *BILLS.get(upstream, BILL))

    @upstreams
    @ways
    async def test_the_sync_client_hears_the_same(self, quarter: Quarter, upstream: str, streams: bool) -> None:
        quarter.script(upstream, HELLO, streams=streams)
        hear = self.stream_in_a_thread if streams else self.whole_in_a_thread

        assert await asyncio.to_thread(hear, quarter, Ask(upstream)) == self.expected(HELLO)

    @upstreams
    async def test_pictures_instructions_and_a_schema_are_understood(self, quarter: Quarter, upstream: str) -> None:
        quarter.script(upstream, Scene(pieces=('{"city": "Rome"}',)), streams=False)

        heard = await self.whole(quarter, Ask(upstream, "Where?", system="Be brief.", picture=PICTURE, schema=SCHEMA))

        assert json.loads(heard.text) == {"city": "Rome"}
        (asked,) = quarter.upstream.requests
        assert vendors.conversation(upstream, asked.json) == [
            ("system", "Be brief."),
            ("user", "Where?"),
            ("image", f"image/png;{PICTURE}"),
        ]
        schema = vendors.schema_of(upstream, asked.json)
        assert (schema["type"].lower(), schema["required"]) == ("object", ["city"])
        assert schema["properties"]["city"]["type"].lower() == "string"

    @upstreams
    @ways
    async def test_functions_are_called_and_answered(self, quarter: Quarter, upstream: str, streams: bool) -> None:
        quarter.script(upstream, CALLING, streams=streams)
        ask = Ask(upstream, "Weather?", tools=["weather"])
        heard = await self.hear(quarter, ask, streams=streams)
        quarter.script(upstream, HELLO, streams=streams)

        last = await self.hear(quarter, replace(ask, heard=heard, results=["sunny", "rain"]), streams=streams)

        assert heard == self.expected(CALLING)
        assert last.text == HELLO.text
        (asked,) = quarter.upstream.requests
        assert vendors.tools_of(upstream, asked.json) == ["weather"]
        assert vendors.conversation(upstream, asked.json) == [
            ("user", "Weather?"),
            ("call", 'weather {"city": "Rome"}'),
            ("call", 'weather {"city": "Oslo"}'),
            ("result", "sunny"),
            ("result", "rain"),
        ]

    @upstreams
    @ways
    async def test_thoughts_are_heard(self, quarter: Quarter, upstream: str, streams: bool) -> None:
        quarter.script(upstream, THINKING, streams=streams)

        assert await self.hear(quarter, Ask(upstream, thinks=True), streams=streams) == self.expected(THINKING)

    @upstreams
    @ways
    @pytest.mark.parametrize("finish", ["length", "content_filter"])
    async def test_why_an_answer_ended_is_told(
        self, quarter: Quarter, upstream: str, finish: str, streams: bool
    ) -> None:
        scene = Scene(pieces=("Well",), finish=finish)
        quarter.script(upstream, scene, streams=streams)

        assert await self.hear(quarter, Ask(upstream), streams=streams) == self.expected(scene)

    @upstreams
    async def test_what_the_vendor_refuses_is_refused_in_its_words(self, quarter: Quarter, upstream: str) -> None:
        quarter.upstream.forget()
        quarter.upstream.answers(status=400, json=vendors.error(upstream, 400, "the city is unknown"))

        with pytest.raises(self.refusal, match="the city is unknown"):
            await self.whole(quarter, Ask(upstream))

        assert str((await quarter.gateway.request_logs())[0].charge) == "0"

    @upstreams
    async def test_a_vendor_that_fails_in_the_middle_is_an_error(self, quarter: Quarter, upstream: str) -> None:
        beginning, failure = vendors.broken(upstream, HELLO)
        is_heard = asyncio.Event()
        quarter.upstream.forget()
        quarter.upstream.streams([beginning, pause(is_heard), failure])

        with pytest.raises(self.failure):
            await self.stream(quarter, Ask(upstream, on_text=is_heard.set))

        log = (await quarter.gateway.request_logs())[0]
        said = "upstream_overloaded" if upstream in {"anthropic", "gemini"} else "upstream_broken"
        assert (log.dialect, log.outcome) == (self.speaks, said)
