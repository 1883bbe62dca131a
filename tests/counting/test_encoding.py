from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from clinx.counting.encoding import RANK_FILES, DamagedRankFile, encoding_for, load, load_from

FOLDER = Path(str(files("clinx.counting"))) / "encodings"


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-4o", "o200k_base"),
        ("gpt-4o-mini", "o200k_base"),
        ("gpt-4.1-nano", "o200k_base"),
        ("gpt-4.5-preview", "o200k_base"),
        ("gpt-5", "o200k_base"),
        ("o3", "o200k_base"),
        ("claude-sonnet-4", "o200k_base"),
        ("deepseek-chat", "o200k_base"),
        ("echo", "o200k_base"),
        ("", "o200k_base"),
        ("gpt-4", "cl100k_base"),
        ("gpt-4-turbo", "cl100k_base"),
        ("gpt-4-32k-0613", "cl100k_base"),
        ("gpt-3.5-turbo", "cl100k_base"),
        ("gpt-35-turbo", "cl100k_base"),
        ("text-embedding-3-small", "cl100k_base"),
        ("openai/gpt-4", "cl100k_base"),
        ("openai/gpt-4o", "o200k_base"),
        ("ft:gpt-3.5-turbo:acme", "cl100k_base"),
        ("ft:gpt-4o:acme", "o200k_base"),
    ],
)
def test_the_name_chooses_the_encoding(model: str, encoding: str) -> None:
    assert encoding_for(model) == encoding


def test_the_operator_may_choose_another() -> None:
    assert encoding_for("claude-sonnet-4", "cl100k_base") == "cl100k_base"


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown encoding 'gpt2'; known are cl100k_base, o200k_base"):
        encoding_for("gpt-4o", "gpt2")


@pytest.mark.parametrize("encoding", RANK_FILES)
def test_the_rank_files_are_the_genuine_ones(encoding: str) -> None:
    name, sha256 = RANK_FILES[encoding]

    assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == sha256


def test_the_licence_lies_beside_the_rank_files() -> None:
    licence = (FOLDER / "LICENSE-tiktoken").read_text(encoding="utf-8")

    rank_files = {file.name for file in RANK_FILES.values()}

    assert {path.name for path in FOLDER.iterdir()} == {"LICENSE-tiktoken", *rank_files}
    assert "MIT License" in licence
    assert "Copyright (c) 2022 OpenAI, Shantanu Jain" in licence


@pytest.mark.parametrize("encoding", RANK_FILES)
def test_an_encoding_is_loaded_once(encoding: str) -> None:
    assert load_from(FOLDER, encoding) is load(encoding)
    assert load(encoding).name == encoding


def test_loading_leaves_the_environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "elsewhere")
    load_from(FOLDER, "o200k_base")
    assert os.environ["TIKTOKEN_CACHE_DIR"] == "elsewhere"

    monkeypatch.delenv("TIKTOKEN_CACHE_DIR")
    load_from(FOLDER, "o200k_base")
    assert "TIKTOKEN_CACHE_DIR" not in os.environ


def test_an_encoding_nobody_has_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        load("gpt2")


def test_a_damaged_rank_file_is_an_error_and_stays_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / RANK_FILES["o200k_base"].name
    path.write_bytes(b"IQ== 0\n")

    with pytest.raises(DamagedRankFile, match=path.name):
        load_from(tmp_path, "o200k_base")

    assert path.read_bytes() == b"IQ== 0\n"


def test_a_missing_rank_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DamagedRankFile):
        load_from(tmp_path, "o200k_base")

    assert list(tmp_path.iterdir()) == []


OFFLINE = """
import os, socket, sys, threading
def refuse(*_, **__): raise AssertionError("a socket was opened")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from clinx.counting.encoding import load
from clinx.counting.tokens import count_tokens
threads = [threading.Thread(target=load, args=("o200k_base",)) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert "TIKTOKEN_CACHE_DIR" not in os.environ
assert "requests" not in sys.modules
print(count_tokens("hello world", "o200k_base"), count_tokens("hello world", "cl100k_base"))
"""


def test_a_fresh_process_counts_without_a_network(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}

    ran = subprocess.run(
        [sys.executable, "-c", OFFLINE], capture_output=True, text=True, env=environment, check=False, timeout=60
    )

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "2 2\n", "")
    assert list(tmp_path.iterdir()) == []
