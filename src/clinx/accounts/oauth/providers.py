"""Which ways of signing in a tree offers that send the browser away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from clinx.accounts.failures import NotOffered
from clinx.accounts.oauth import github, linuxdo, telegram, wechat
from clinx.accounts.oauth.fetch import Fetch
from clinx.accounts.oauth.github import GitHub
from clinx.accounts.oauth.id_token import IdTokens
from clinx.accounts.oauth.issuers import Issuers
from clinx.accounts.oauth.linuxdo import LinuxDo
from clinx.accounts.oauth.oidc import Oidc
from clinx.accounts.oauth.trip import Provider
from clinx.domain.console import Console, OAuthApp

MakeProvider = Callable[[OAuthApp, Fetch], Provider]


@dataclass(frozen=True, slots=True)
class Offer:
    """A way of signing in, for the frontend's buttons."""

    name: str
    """In addresses: ``/api/oauth/NAME/start``."""
    label: str


class Providers:
    """Makes providers as they are configured now; what is known of issuers is kept."""

    def __init__(
        self,
        fetch: Fetch,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        github: MakeProvider = GitHub,
        linuxdo: MakeProvider = LinuxDo,
    ) -> None:
        """Take the network; tests bring their own GitHub and LinuxDO."""
        self._fetch = fetch
        self._issuers = Issuers(fetch, monotonic)
        self._tokens = IdTokens(self._issuers, now)
        self._github = github
        self._linuxdo = linuxdo

    def provider(self, name: str, console: Console) -> Provider:
        """Return a provider by its name in addresses.

        Raises:
            AccountError: it is not offered.
        """
        offered = console.sign_in
        if name == github.PROVIDER and offered.github is not None:
            return self._github(offered.github, self._fetch)
        if name == linuxdo.PROVIDER and offered.linuxdo is not None:
            return self._linuxdo(offered.linuxdo, self._fetch)
        if (issuer := offered.oidc.get(name)) is not None:
            return Oidc(issuer, self._fetch, self._issuers, self._tokens)
        raise NotOffered("this way of signing in is not offered")


def offers(console: Console) -> Sequence[Offer]:
    """Return every way of signing in by somebody else's word that a tree offers, in the order of buttons."""
    offered = console.sign_in
    made: list[Offer] = [Offer(each.name, each.label) for each in offered.oidc.values()]
    for name, label, configured in (
        (github.PROVIDER, "GitHub", offered.github),
        (linuxdo.PROVIDER, "LinuxDO", offered.linuxdo),
        (telegram.PROVIDER, "Telegram", offered.telegram),
        (wechat.PROVIDER, "WeChat", offered.wechat),
    ):
        if configured is not None:
            made.append(Offer(name, label))
    return made
