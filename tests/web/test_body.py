import asyncio
import gzip
import json
import zlib
from pathlib import Path

import pytest

from support.fake_upstream import FakeUpstream
from support.gateway import Running, chat, completion, running_gateway, tree_for


async def test_a_body_over_the_limit_is_refused_by_its_announced_size(tmp_path: Path, upstream: FakeUpstream) -> None:
    files = {"gateway.yaml": tree_for(upstream.url)["gateway.yaml"] + "server: {max_body: 1KiB}\n"}
    async with running_gateway(tmp_path, files) as gateway:
        status, body = await gateway.post("/v1/chat/completions", b"x" * 2000, key=await gateway.key())

    assert (status, body["error"]["code"]) == (413, "payload_too_large")


async def test_a_chunked_body_over_the_limit_is_refused_too(tmp_path: Path, upstream: FakeUpstream) -> None:
    async def endless():
        for _ in range(100):
            yield b"x" * 100

    files = {"gateway.yaml": tree_for(upstream.url)["gateway.yaml"] + "server: {max_body: 1KiB}\n"}
    async with running_gateway(tmp_path, files) as gateway:
        headers = {"Authorization": f"Bearer {await gateway.key()}"}
        async with gateway.session.post(
            f"{gateway.url}/v1/chat/completions", data=endless(), headers=headers
        ) as response:
            status = response.status

    assert status == 413


@pytest.mark.parametrize(("encoding", "encode"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_a_compressed_body_is_decoded(gateway: Running, upstream: FakeUpstream, encoding: str, encode) -> None:
    upstream.answers(json=completion())
    body = json.dumps(chat()).encode()

    status, _ = await gateway.post_raw(
        "/v1/chat/completions", encode(body), key=await gateway.key(), headers={"Content-Encoding": encoding}
    )

    assert status == 200
    assert upstream.requests[0].body == body


async def test_a_bomb_is_refused_by_its_real_size(tmp_path: Path, upstream: FakeUpstream) -> None:
    files = {"gateway.yaml": tree_for(upstream.url)["gateway.yaml"] + "server: {max_body: 1MiB}\n"}
    bomb = gzip.compress(b" " * 50_000_000)
    async with running_gateway(tmp_path, files) as gateway:
        status, _ = await gateway.post_raw(
            "/v1/chat/completions", bomb, key=await gateway.key(), headers={"Content-Encoding": "gzip"}
        )

    assert len(bomb) < 2**20
    assert status == 413


async def test_an_encoding_that_is_not_decoded_is_refused(gateway: Running) -> None:
    status, body = await gateway.post(
        "/v1/chat/completions", b"?", key=await gateway.key(), headers={"Content-Encoding": "compress"}
    )

    assert (status, body["error"]["code"]) == (415, "unsupported_encoding")


async def test_what_does_not_decompress_is_a_bad_request(gateway: Running) -> None:
    status, body = await gateway.post(
        "/v1/chat/completions", b"not gzip at all", key=await gateway.key(), headers={"Content-Encoding": "gzip"}
    )

    assert (status, body["error"]["type"]) == (400, "invalid_request_error")


async def test_a_body_that_never_ends_has_a_deadline(tmp_path: Path, upstream: FakeUpstream) -> None:
    files = {"gateway.yaml": tree_for(upstream.url)["gateway.yaml"] + "server: {body_timeout: 50ms}\n"}
    async with running_gateway(tmp_path, files) as gateway:
        key = await gateway.key()
        host, port = gateway.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{".encode()
        )
        head = await asyncio.wait_for(reader.readuntil(b"\r\n"), 5)
        writer.close()
        await writer.wait_closed()

    assert b" 408 " in head
