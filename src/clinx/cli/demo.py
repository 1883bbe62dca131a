"""What `clinx serve` says when it is up, and the key of a demonstration."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta

from clinx.accounts import root, tokens, users
from clinx.accounts.failures import AccountError
from clinx.accounts.tokens import Limits
from clinx.app import Gateway
from clinx.billing import statement, topup
from clinx.billing.topup import Cause
from clinx.domain.identity import User
from clinx.domain.money import Amount

USER = "demo"
CREDIT = Amount.parse("5")
_LIFETIME = timedelta(days=7)
_CONTENT = "Tell me something about ledgers."


async def issue_demo_key(gateway: Gateway, *, at: datetime) -> str:
    """Return a fresh key of the user ``demo``, whose balance is topped up; that of the start before is replaced."""
    user = await _demo_user(gateway, at=at)
    for token in await tokens.of_user(gateway.database, user):
        if token.name == USER:
            await tokens.delete(gateway.database, token, at=at)
    missing = CREDIT - (await statement.balance(gateway.database, user)).total
    if missing > Amount(0):
        cause = Cause("clinx serve --demo", "demonstration credit", f"demo:{at.isoformat()}:{os.getpid()}")
        await topup.grant(gateway.database, user, missing, cause, at=at)
    issued = await tokens.issue(gateway.database, user, USER, at=at, limits=Limits(expires_at=at + _LIFETIME))
    return issued.secret


async def _demo_user(gateway: Gateway, *, at: datetime) -> User:
    try:
        return await users.find(gateway.database, USER)
    except AccountError:
        return await users.create(gateway.database, USER, at=at)


async def is_first_try(gateway: Gateway) -> bool:
    """Whether somebody tries the gateway out: the shipped example over a database without users of its own.

    A tree that is missing by accident must not issue a key over a database that is in use.
    """
    return gateway.is_example and not await _people(gateway)


async def _people(gateway: Gateway) -> list[User]:
    """Return the users that somebody has made, beside those that the gateway makes itself."""
    return [user for user in await users.everyone(gateway.database) if user.name not in {USER, root.NAME}]


async def print_welcome(gateway: Gateway, *, demo: bool) -> None:
    """Print where the gateway listens, and how to talk to it."""
    print(f"\n  Clinx {gateway.current.generation.snapshot.revision.id} at {gateway.url}", file=sys.stderr)
    password = await root.ensure_root(gateway.database, datetime.now(UTC)) if gateway.has_console else None
    if password is not None:
        print(_root_text(gateway, password), file=sys.stderr, flush=True)
    if demo:
        secret = await issue_demo_key(gateway, at=datetime.now(UTC))
        print(_demo_text(gateway, secret), file=sys.stderr, flush=True)
    elif not await _people(gateway):
        print(_first_steps(), file=sys.stderr, flush=True)


def _root_text(gateway: Gateway, password: str) -> str:
    return f"""
  The console's API is at {gateway.url}/graphql. Its first user, with a password that is shown only now:

    {root.NAME} {password}
"""


def _demo_text(gateway: Gateway, secret: str) -> str:
    models = gateway.current.generation.snapshot.models
    model = "echo" if "echo" in models else next(iter(models), "MODEL")
    body = f'{{"model": "{model}", "stream": true, "messages": [{{"role": "user", "content": "{_CONTENT}"}}]}}'
    return f"""
  Try it:

    curl -N {gateway.url}/v1/chat/completions \\
      -H "Authorization: Bearer {secret}" \\
      -H "Content-Type: application/json" \\
      -d '{body}'

  or point any OpenAI client at it:

    OPENAI_BASE_URL={gateway.url}/v1 OPENAI_API_KEY={secret}

  What it cost: {_command()} user show {USER}. Edit gateway.yaml and the next request follows. Ctrl-C stops.
"""


def _command() -> str:
    """Return how this command was called, for whoever did not install it on the path."""
    return sys.argv[0] if sys.argv[0].endswith("clinx") else "clinx"


def _first_steps() -> str:
    return f"""
  There are no users yet. In another terminal, in this folder and with the same CLINX_* settings:

    {_command()} user create alice --credit 10
    {_command()} token create alice
"""
