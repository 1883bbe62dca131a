"""The services of accounts, wired once for the console: who signs in, with what, and what they may change of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from clinx.accounts.email_addresses import Correspondence, EmailAddresses, Post
from clinx.accounts.idempotency import Idempotency
from clinx.accounts.keys import Keys
from clinx.accounts.passkeys import Passkeys
from clinx.accounts.password_changes import PasswordChanges
from clinx.accounts.passwords import Hasher, Passwords
from clinx.accounts.registration import Registrar
from clinx.accounts.sealing import Sealer
from clinx.accounts.second_factors import SecondFactors
from clinx.accounts.sessions import Sessions
from clinx.accounts.sign_in import Proofs, SignIn
from clinx.accounts.throttle import Throttle
from clinx.domain.console import Console
from clinx.storage.database import Database


@dataclass(frozen=True, slots=True)
class Accounts:
    """What resolvers call about people and their credentials."""

    sign_in: SignIn
    sessions: Sessions
    passwords: Passwords
    password_changes: PasswordChanges
    addresses: EmailAddresses
    registrar: Registrar
    factors: SecondFactors
    passkeys: Passkeys
    idempotency: Idempotency
    sealer: Sealer

    @classmethod
    def of(  # noqa: PLR0913  (accounts are made of these)
        cls,
        database: Database,
        *,
        throttle: Throttle,
        keys: Keys,
        post: Post,
        console: Callable[[], Console],
        now: Callable[[], datetime],
        hasher: Hasher | None = None,
    ) -> Self:
        """Wire them; the console is asked each time, for the tree may change."""
        sealer = Sealer(keys.sealing)
        passwords = Passwords(database, hasher)
        sessions = Sessions(database, now=now)
        factors = SecondFactors(database, sealer, now=now)
        passkeys = Passkeys(database, now=now)
        correspondence = Correspondence(post, throttle, console, now)
        addresses = EmailAddresses(database, correspondence)
        proofs = Proofs(passwords, factors, passkeys, sessions, throttle)
        return cls(
            sign_in=SignIn(database, proofs, console=console, now=now),
            sessions=sessions,
            passwords=passwords,
            password_changes=PasswordChanges(database, passwords, sessions, correspondence),
            addresses=addresses,
            registrar=Registrar(
                database, passwords=passwords, addresses=addresses, throttle=throttle, console=console, now=now
            ),
            factors=factors,
            passkeys=passkeys,
            idempotency=Idempotency(database, sealer, now=now),
            sealer=sealer,
        )
