"""A real git, for trees that are checkouts; whoever has none skips these tests and is told so."""

import shutil
import subprocess
from pathlib import Path

import pytest


def git(root: Path, *arguments: str) -> str:
    """Run git in a folder as somebody; return what it prints."""
    if shutil.which("git") is None:
        pytest.skip("needs git")
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    command = ["git", "-C", str(root), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
