"""Configuration trees on disk.

root = tree(tmp_path, {"gateway.yaml": "version: 1\n"})
snapshot = compile_files(tmp_path, {"gateway.yaml": "..."}).snapshot
codes(tmp_path, {"gateway.yaml": "nonsense: 1"})        # ["gateway.yaml:1:1 E301"]
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from clinx.config.compile import Compiled, compile_tree
from clinx.config.diagnostics import ConfigError, Diagnostic
from clinx.config.secrets import SecretResolver
from clinx.config.tree import default_tree, read_tree
from clinx.dialects.registry import DIALECTS

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ENVIRON = {"UPSTREAM_KEY": "vendor-secret-0123456789", "UPSTREAM_KEY_B": "vendor-secret-b"}

SMALL = """\
version: 1
models:
  small: {price: {input: "1", output: "2", per: 1M}, max_output: 4096}
channels:
  - {name: main, provider: echo, models: [small]}
"""
"""A whole tree that is good."""


def tree(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below a folder, and return the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def resolver(root: Path, *, placeholders: bool = False) -> SecretResolver:
    """Return a resolver over `ENVIRON`."""
    return SecretResolver(ENVIRON, root, ("UPSTREAM_",), placeholders=placeholders)


def compile_root(root: Path, *, placeholders: bool = False) -> Compiled:
    """Compile the tree in a folder as the gateway does."""
    secrets = resolver(root, placeholders=placeholders)
    return compile_tree(read_tree(root, default_tree()), secrets=secrets, dialects=DIALECTS, at=AT)


def compile_files(folder: Path, files: Mapping[str, str | bytes], *, placeholders: bool = False) -> Compiled:
    """Write a tree and compile it."""
    return compile_root(tree(folder, files), placeholders=placeholders)


def findings(folder: Path, files: Mapping[str, str | bytes], *, placeholders: bool = False) -> tuple[Diagnostic, ...]:
    """Write a tree, compile it, and return everything that was found."""
    try:
        return compile_files(folder, files, placeholders=placeholders).diagnostics
    except ConfigError as error:
        return error.diagnostics


def codes(folder: Path, files: Mapping[str, str | bytes]) -> list[str]:
    """Return place and code of everything that was found."""
    return [f"{each.file}:{each.line}:{each.column} {each.code}" for each in findings(folder, files)]
