from __future__ import annotations

import gzip
import zlib

import pytest

from clinx.upstream.head import Malformed
from clinx.upstream.inflate import STEP, Inflater, inflater

TEXT = b"the ledger balances " * 100


def _bare(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


def _all(stream: Inflater) -> bytes:
    made = b""
    while piece := stream.take():
        made += piece
    stream.finish()
    return made


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", gzip.compress(TEXT, mtime=0)),
        (" X-GZIP ", gzip.compress(TEXT, mtime=0)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", _bare(TEXT)),
        ("gzip", gzip.compress(TEXT[:500]) + gzip.compress(TEXT[500:])),
    ],
    ids=["gzip", "x-gzip", "deflate", "bare deflate", "two members"],
)
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_what_was_compressed_comes_back(encoding: str, data: bytes, step: int) -> None:
    stream = inflater(encoding)
    assert stream is not None
    made = b""

    for index in range(0, len(data), step):
        stream.feed(data[index : index + step])
        while piece := stream.take():
            made += piece
    stream.finish()

    assert made == TEXT


@pytest.mark.parametrize("encoding", ["identity", "", "utf-8"])
def test_what_is_no_compression_is_left_alone(encoding: str) -> None:
    assert inflater(encoding) is None


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress"])
def test_a_compression_that_is_not_understood_is_refused(encoding: str) -> None:
    with pytest.raises(Malformed):
        inflater(encoding)


@pytest.mark.parametrize("size", [STEP - 1, STEP, STEP + 1, 4 * STEP, 4 * STEP + 3])
def test_a_step_is_bounded_and_nothing_is_lost_at_its_edge(size: int) -> None:
    stream = Inflater(is_gzip=True)
    stream.feed(gzip.compress(b"\0" * size))
    sizes: list[int] = []

    while piece := stream.take():
        sizes.append(len(piece))
    stream.finish()

    assert sum(sizes) == size
    assert max(sizes) <= STEP
    assert stream.held == 0


def test_input_that_waits_is_counted() -> None:
    stream = Inflater(is_gzip=True)

    stream.feed(gzip.compress(b"\0" * (64 * STEP)))
    before = stream.held
    stream.take()

    assert 0 < stream.held < before


@pytest.mark.parametrize(
    ("is_gzip", "data"),
    [
        (True, b"no gzip at all"),
        (True, gzip.compress(TEXT, mtime=0) + b"more"),
        (False, zlib.compress(TEXT)[:-1] + b"\0"),
    ],
    ids=["nonsense", "trailing bytes", "wrong checksum"],
)
def test_what_cannot_be_decoded_is_refused(is_gzip: bool, data: bytes) -> None:
    stream = Inflater(is_gzip=is_gzip)
    stream.feed(data)

    with pytest.raises(Malformed, match="not decodable"):
        _all(stream)


@pytest.mark.parametrize(
    ("is_gzip", "data"), [(True, gzip.compress(TEXT)), (False, zlib.compress(TEXT))], ids=["gzip", "deflate"]
)
def test_a_stream_that_is_cut_is_refused(is_gzip: bool, data: bytes) -> None:
    stream = Inflater(is_gzip=is_gzip)
    stream.feed(data[:-5])

    with pytest.raises(Malformed, match="cut short"):
        _all(stream)


def test_an_empty_body_needs_no_stream() -> None:
    assert _all(Inflater(is_gzip=True)) == b""
