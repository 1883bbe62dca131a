"""Where the peers are installed, and their installation: only when it is asked for, only into bench/.peers.

python -m bench.peers       LiteLLM from PyPI, and Portkey's gateway from npm where npm is installed
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / ".peers"
_PYTHON = FOLDER / "python" / "bin" / "python"
_NODE = FOLDER / "node"
_PORTKEY = _NODE / "node_modules" / "@portkey-ai" / "gateway"

LITELLM_COMMAND = FOLDER / "python" / "bin" / "litellm"
PORTKEY_SCRIPT = _PORTKEY / "build" / "start-server.js"

_PACKAGE = {
    "private": True,
    "dependencies": {"@portkey-ai/gateway": "*"},
    # From 1.14 on the HTTP server hands out immutable headers, and the gateway answers every stream with a 500.
    "overrides": {"@hono/node-server": "1.13.8"},
}


def litellm_version() -> str | None:
    """The installed version; None when it is not installed."""
    if not LITELLM_COMMAND.is_file():
        return None
    ask = "import importlib.metadata; print(importlib.metadata.version('litellm'))"
    return subprocess.run([_PYTHON, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()


def portkey_version() -> str | None:
    """The installed version; None when it is not installed."""
    if not PORTKEY_SCRIPT.is_file() or shutil.which("node") is None:
        return None
    return json.loads((_PORTKEY / "package.json").read_text(encoding="utf-8"))["version"]


def nginx_version() -> str | None:
    """The version on the path; None when there is none."""
    if shutil.which("nginx") is None:
        return None
    return subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True).stderr.rpartition("/")[2].strip()


def main() -> int:
    """Install what can be installed here."""
    FOLDER.mkdir(exist_ok=True)
    print("installing litellm[proxy]; some minutes", flush=True)
    subprocess.run([sys.executable, "-m", "venv", FOLDER / "python"], check=True)
    subprocess.run([_PYTHON, "-m", "pip", "install", "--quiet", "--upgrade", "litellm[proxy]"], check=True)
    if shutil.which("npm") is None:
        print("npm is not installed: Portkey's gateway is left out")
    else:
        print("installing @portkey-ai/gateway", flush=True)
        _NODE.mkdir(exist_ok=True)
        (_NODE / "package.json").write_text(json.dumps(_PACKAGE), encoding="utf-8")
        subprocess.run(["npm", "install", "--no-audit", "--no-fund"], cwd=_NODE, check=True)
    print(f"litellm {litellm_version()}, portkey {portkey_version()}, nginx {nginx_version()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
