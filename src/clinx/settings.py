"""Process settings from the environment (``CLINX_*``): addresses, database, folders. Not hot-reloaded.

Everything a request depends on is in the YAML tree instead. `clinx serve --help` lists these with their defaults.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "CLINX_"

_NOT_SETTINGS = ("CLINX_SECRET_", "CLINX_TEST_")
"""Variables that share the prefix: secrets the tree refers to, and the test suite's own."""


class Settings(BaseSettings):
    """What one process needs to know before it reads the tree."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", use_attribute_docstrings=True, frozen=True)

    root: Path = Path()
    """Folder of the configuration tree: gateway.yaml, providers/, policies/."""

    state_dir: Path = Path(".clinx")
    """Folder for the SQLite database and the last good tree."""

    journal_sync: Literal["10ms", "each", "off"] = "10ms"
    """When what was charged outlives a power cut: every 10 ms, before each answer, or never (a killed process loses
    nothing either way)."""

    database_url: str = ""
    """sqlite:///path or postgres://user:password@host:port/name; empty means a SQLite file in the state folder."""

    log_database_url: str = ""
    """The same for request logs, where they are to have a database of their own."""

    redis: Annotated[str, Field(repr=False)] = ""
    """redis://user:password@host:port/0: where several processes count limits and budgets together; empty lets each
    count for itself."""

    workers: Annotated[int, Field(ge=1, le=512)] = 1
    """Processes that serve, sharing the port; more than one needs PostgreSQL."""

    overdraft_bound: Annotated[Decimal, Field(ge=0, le=1_000_000_000, decimal_places=9)] = Decimal(1)
    """How far an account may be overdrawn by what estimates fell short of before the audit reports it, in units of the
    currency."""

    host: str = "127.0.0.1"
    """Address to listen on."""

    port: Annotated[int, Field(ge=0, le=65535)] = 8787
    """Port to listen on; 0 takes a free one."""

    max_connections: Annotated[int, Field(ge=1)] = 10_000
    """Most connections of callers at a time; one more is refused. Keep it below the limit of open files."""

    log_format: Literal["json", "text"] = "json"
    """One JSON object a line, or text for people."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe event that is written."""

    shutdown_grace: Annotated[float, Field(ge=0, le=3600)] = 120.0
    """Seconds that running exchanges may take to finish after SIGTERM; a second signal shortens it to 5."""

    watch: bool = True
    """Follow edits of the tree; SIGHUP reloads either way."""

    poll_seconds: Annotated[float, Field(gt=0, le=3600)] = 2.0
    """How often the tree is looked at even when nothing was notified (bind mounts, network file systems)."""

    env_prefixes: str = "OPENAI_,AZURE_,ANTHROPIC_,GEMINI_,GOOGLE_,CLINX_SECRET_,UPSTREAM_,EPAY_,STRIPE_"
    """Prefixes of the environment variables that ${env:NAME} in the tree may read, comma-separated; * allows all."""

    console: bool = True
    """Serve the console's API at /graphql."""

    console_schema: Literal["operators", "open"] = "operators"
    """Who may ask /graphql what its schema is: whoever may operate, or everybody (for development)."""

    console_key: Annotated[str, Field(repr=False)] = ""
    """What the console seals second factors and signs cursors with, the same in every process: at least 32 characters;
    empty makes a file console.key in the state folder."""

    ops_token: str = ""
    """Bearer token for /-/metrics, /-/revision and /-/reload from other machines; empty allows loopback only."""

    @property
    def database(self) -> str:
        """The database URL with its default filled in."""
        return self.database_url or f"sqlite:///{self.state_dir / 'clinx.db'}"


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the ``CLINX_*`` variables that are no setting: most likely a typing error."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    ours = (name for name in environment if name.startswith(PREFIX))
    return sorted(name for name in ours if name not in known and not name.startswith(_NOT_SETTINGS))


@dataclass(frozen=True, slots=True)
class Worker:
    """One of several processes that share a port, as the process that started it says."""

    index: int
    """Which one, from 0."""
    of: int
    """How many there are."""
    line: int
    """A socket to that process: it hears when this one serves, and closes it when it dies."""
    greets: bool
    """Whether this one says where they serve: the first, when it is started for the first time."""
    folder: Path
    """Where the workers find one another."""

    VARIABLE: ClassVar[str] = "_CLINX_WORKER"

    def told(self) -> dict[str, str]:
        """Return the environment that tells a process who it is."""
        return {self.VARIABLE: f"{self.index} {self.of} {self.line} {self.greets:d} {self.folder}"}

    @classmethod
    def heard(cls, environment: Mapping[str, str] = os.environ) -> Worker | None:
        """Return who this process is; None when nobody started it as a worker."""
        said = environment.get(cls.VARIABLE)
        if said is None:
            return None
        index, of, line, greets, folder = said.split(" ", 4)
        return cls(int(index), int(of), int(line), greets == "1", Path(folder))
