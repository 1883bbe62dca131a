"""Which encoding counts a model's tokens, and the loaded encodings themselves."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

import tiktoken

FALLBACK: Final = "o200k_base"
"""Counts models nobody wrote an encoding for: the vendors' own tokenizers are of its size."""


class RankFile(NamedTuple):
    """A file in `encodings/`, under the name by which the tokenizer library looks for it."""

    name: str
    sha256: str


RANK_FILES: Final[Mapping[str, RankFile]] = MappingProxyType(
    {
        "cl100k_base": RankFile(
            "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
            "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        ),
        "o200k_base": RankFile(
            "fb374d419588a4632f3f557e76b4b70aebbca790",
            "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
        ),
    }
)
"""The encodings that can be named, in YAML too (``encoding:`` of a model)."""

_CL100K: Final = ("gpt-4", "gpt-3.5", "gpt-35", "text-embedding-")
_NOT_CL100K: Final = ("gpt-4o", "gpt-4.1", "gpt-4.5")
_FOLDER: Final = Path(str(files("clinx.counting"))) / "encodings"
_CACHE_VARIABLE: Final = "TIKTOKEN_CACHE_DIR"
_LOADING: Final = threading.Lock()


class DamagedRankFile(Exception):
    """A rank file is missing or is not the one this package was made with; it says which."""


def encoding_for(model_name: str, override: str | None = None) -> str:
    """Return the name of the encoding that counts a model's tokens.

    A vendor's prefix (``openai/gpt-4o``) and the mark of a fine-tuned model (``ft:gpt-4o:acme``) are ignored.

    Raises:
        ValueError: ``override`` names no encoding we have.
    """
    if override is not None:
        if override not in RANK_FILES:
            raise ValueError(f"unknown encoding {override!r}; known are {', '.join(RANK_FILES)}")
        return override
    name = model_name.rpartition("/")[2].removeprefix("ft:")
    return "cl100k_base" if name.startswith(_CL100K) and not name.startswith(_NOT_CL100K) else FALLBACK


_READY: Final[set[str]] = set()
"""What the cache of `load` holds; a cache tells nobody."""


@cache
def load(encoding: str) -> tiktoken.Encoding:
    """Load an encoding, once per process; takes some 0.3 s and 70 MB, so call it in a thread first.

    Raises:
        KeyError: no such encoding.
        DamagedRankFile: rather than that another file were fetched.
    """
    loaded = load_from(_FOLDER, encoding)
    _READY.add(encoding)
    return loaded


def is_loaded(encoding: str) -> bool:
    """Say whether `load` returns at once."""
    return encoding in _READY


def load_from(folder: Path, encoding: str) -> tiktoken.Encoding:
    """Load an encoding from a folder of rank files.

    The file's hash is checked here, because the library answers a wrong one by deleting it and going to the network.

    Raises:
        KeyError: no such encoding.
        DamagedRankFile: see `load`.
    """
    name, sha256 = RANK_FILES[encoding]
    path = folder / name
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise DamagedRankFile(f"{path} is missing or damaged; reinstall clinx")
    with _LOADING, _cached_in(folder):
        return tiktoken.get_encoding(encoding)


@contextmanager
def _cached_in(folder: Path) -> Generator[None, None, None]:
    """Point the library at a folder, and leave the environment as it was."""
    before = os.environ.get(_CACHE_VARIABLE)
    os.environ[_CACHE_VARIABLE] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[_CACHE_VARIABLE]
        else:
            os.environ[_CACHE_VARIABLE] = before
