"""What a channel's vendor says is left, asked from this machine: with its environment, and past any gateway."""

from __future__ import annotations

import os
import sys
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Final

from clinx import __version__
from clinx.cli.database import table
from clinx.config.compile import compile_tree
from clinx.config.diagnostics import ConfigError, did_you_mean
from clinx.config.secrets import SecretResolver
from clinx.config.snapshot import Snapshot
from clinx.config.tree import default_tree, read_tree
from clinx.dialects.registry import DIALECTS
from clinx.domain.catalog import Channel
from clinx.domain.inquiry import InquiryError
from clinx.domain.provider_balance import ProviderBalance
from clinx.relay.provider_balances import MOST_CREDENTIALS, ProviderBalances
from clinx.settings import Settings
from clinx.telemetry.tasks import Supervisor
from clinx.upstream.pool import Pool
from clinx.upstream.request import RequestBuilder
from clinx.upstream.send import Sender

_HEADER: Final = ("CREDENTIAL", "REFERENCE", "BALANCE", "CURRENCY")


async def show_balances(name: str) -> int:
    """Ask with every credential of a channel, and print what was answered; 1 where some answer is none."""
    try:
        snapshot = _compiled()
    except ConfigError as error:
        print(error, file=sys.stderr)
        print("clinx channel: the tree cannot be served, and so nobody can be asked", file=sys.stderr)
        return 1
    channel = snapshot.channels.get(name)
    if channel is None:
        hint = did_you_mean(name, snapshot.channels)
        raise ValueError(f"the configuration has no channel {name!r}{f'; {hint}' if hint else ''}")
    try:
        found = await _asked(snapshot, channel)
    except InquiryError as error:
        raise ValueError(error.message) from None
    references = {each.fingerprint: each.reference for each in channel.credentials}
    print(table(_HEADER, [_row(each, references.get(each.credential, "-")) for each in found]))
    return 1 if any(each.code is not None for each in found) else 0


async def _asked(snapshot: Snapshot, channel: Channel) -> list[ProviderBalance]:
    async with AsyncExitStack() as stack:
        supervisor, pool = Supervisor(), Pool()
        stack.push_async_callback(pool.close)
        stack.push_async_callback(supervisor.close)
        await pool.lease([channel], snapshot.server.egress_allow)
        balances = ProviderBalances(
            Sender(pool, time.monotonic),
            RequestBuilder({}, f"clinx/{__version__}"),
            supervisor,
            served=lambda: (snapshot,),
            now=lambda: datetime.now(UTC),
            monotonic=time.monotonic,
        )
        for _ in range(0, max(1, len(channel.credentials)), MOST_CREDENTIALS):
            await balances.refresh(channel)
        return balances.known(channel)


def _row(balance: ProviderBalance, reference: str) -> tuple[str, ...]:
    shown = balance.shown if balance.code is None else f"{balance.code}: {balance.cause}"
    return balance.credential, reference, shown or "-", balance.currency or "-"


def _compiled() -> Snapshot:
    settings = Settings()
    prefixes = tuple(prefix.strip() for prefix in settings.env_prefixes.split(",") if prefix.strip())
    secrets = SecretResolver(os.environ, settings.root, prefixes)
    tree = read_tree(settings.root, default_tree())
    return compile_tree(tree, secrets=secrets, dialects=DIALECTS, at=datetime.now(UTC)).snapshot
