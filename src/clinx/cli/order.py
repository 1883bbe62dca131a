"""``clinx order``: sell credit, look at orders, ask the providers about them."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import time
from datetime import UTC, datetime
from typing import Any

from clinx.accounts import users
from clinx.billing.orders import Wish, cancel
from clinx.cli.arguments import amount
from clinx.cli.database import on_database, table
from clinx.config.compile import compile_tree
from clinx.config.diagnostics import ConfigError
from clinx.config.secrets import PLACEHOLDER, SecretResolver
from clinx.config.tree import default_tree, read_tree
from clinx.dialects.registry import DIALECTS
from clinx.domain.order import Order, OrderState, PaymentProvider, order_id
from clinx.domain.payments import CHECKOUT, Payments
from clinx.payments.checkout import Checkout
from clinx.payments.desk import Desk
from clinx.payments.provider import ProviderUnavailable
from clinx.payments.reconcile import Reconciler, Report, Rules
from clinx.settings import Settings
from clinx.storage import orders
from clinx.storage.database import Database

_SHOWN = 50


def add_parser(commands: Any) -> None:
    """Mount ``clinx order`` and its verbs."""
    verbs = commands.add_parser("order").add_subparsers(title="verbs", metavar="VERB", required=True)
    create = verbs.add_parser("create", help="make an order and print the page it is paid on")
    create.add_argument("user", metavar="USER|ID")
    create.add_argument("amount", type=amount, metavar="AMOUNT", help="what the balance gains")
    create.add_argument("--provider", required=True, type=PaymentProvider, choices=list(PaymentProvider))
    create.add_argument("--method", default=CHECKOUT, metavar="NAME", help="alipay, wxpay, … (epay needs one)")
    create.set_defaults(run=on_database(_create))

    listing = verbs.add_parser("list", help="list orders, newest first")
    listing.add_argument("--user", metavar="USER|ID", help="of this user only")
    listing.add_argument("--state", type=OrderState, choices=list(OrderState), help="in this state only")
    listing.set_defaults(run=on_database(_list))

    show = verbs.add_parser("show", help="show an order and what was said about it")
    show.add_argument("order", metavar="ORDER")
    show.set_defaults(run=on_database(_show))

    cancel = verbs.add_parser("cancel", help="withdraw an order; a payment for it is not credited any more")
    cancel.add_argument("order", metavar="ORDER")
    cancel.set_defaults(run=on_database(_cancel))

    reconcile = verbs.add_parser("reconcile", help="ask the provider what became of an order, or of all that wait")
    reconcile.add_argument("order", nargs="?", metavar="ORDER")
    reconcile.set_defaults(run=on_database(_reconcile))


async def _create(database: Database, args: argparse.Namespace) -> int:
    user, rules = await users.find(database, args.user), _rules()
    wish = Wish(args.provider, args.method, args.amount)
    checkout = Checkout(database, rules.payments, rules.egress_allow)
    try:
        order, page = await checkout.begin(user, wish, id_=order_id(secrets.randbits(128)), at=_now())
    except ProviderUnavailable as error:
        return _complain(str(error))
    print(f"{order.id}: {user.name} pays {order.shown_price} {order.currency} for {order.amount}", file=sys.stderr)
    print(page.link)
    return 0


async def _list(database: Database, args: argparse.Namespace) -> int:
    user = None if args.user is None else await users.find(database, args.user)
    found = await orders.latest(database, user_id=user.id if user else None, state=args.state, limit=_SHOWN)
    rows = [
        (
            order.id,
            str(order.user_id),
            order.provider,
            order.method,
            str(order.amount),
            f"{order.shown_price} {order.currency}",
            order.state,
            f"{order.created_at:%Y-%m-%d %H:%M}",
        )
        for order in found
    ]
    print(table(("ORDER", "USER", "PROVIDER", "METHOD", "AMOUNT", "PRICE", "STATE", "MADE"), rows))
    return 0


async def _show(database: Database, args: argparse.Namespace) -> int:
    order = await _found(database, args.order)
    print(f"{order.id}  user {order.user_id}  {order.provider} {order.method}  {order.state}")
    print(f"amount {order.amount}  price {order.shown_price} {order.currency}  reference {order.reference or '-'}")
    print(f"made {order.created_at:%Y-%m-%d %H:%M:%S}  expires {order.expires_at:%Y-%m-%d %H:%M:%S}")
    for event in await orders.events(database, order.id):
        said = f"{event.at:%Y-%m-%d %H:%M:%S}  {event.outcome}  {event.address or '-'}  {event.detail or ''}"
        print("".join(sign if sign.isprintable() else "?" for sign in said).rstrip())
    return 0


async def _cancel(database: Database, args: argparse.Namespace) -> int:
    order = await _found(database, args.order)
    if not await cancel(database, order.id, at=_now()):
        return _complain(f"{order.id} is {order.state}: only a pending order can be cancelled")
    print(f"{order.id}: cancelled")
    return 0


async def _reconcile(database: Database, args: argparse.Namespace) -> int:
    rules = _rules()
    reconciler = Reconciler(database, Desk(database, None, now=_now, monotonic=time.monotonic), lambda: rules, now=_now)
    if args.order is None:
        return _reported(await reconciler.round())
    return _reported(await reconciler.ask([await _found(database, args.order)], rules))


def _reported(report: Report) -> int:
    print(f"asked {report.asked}  credited {report.credited}  expired {report.expired}")
    for failure in report.failures:
        _complain(failure)
    return 1 if report.failures else 0


async def _found(database: Database, name: str) -> Order:
    order = await orders.get(database, name)
    if order is None:
        raise ValueError(f"there is no order {name!r}; `clinx order list` shows the latest")
    return order


def _rules() -> Rules:
    """Compile the tree: the payments' own secrets must be here, those of channels need not.

    Raises:
        ValueError: it does not compile, declares no payments, or a secret of theirs is not set.
    """
    settings = Settings()
    prefixes = tuple(prefix.strip() for prefix in settings.env_prefixes.split(",") if prefix.strip())
    resolver = SecretResolver(os.environ, settings.root, prefixes, placeholders=True)
    tree = read_tree(settings.root, default_tree())
    try:
        snapshot = compile_tree(tree, secrets=resolver, dialects=DIALECTS, at=_now()).snapshot
    except ConfigError as error:
        raise ValueError("the configuration does not compile, and it says the prices; see `clinx check`") from error
    if snapshot.payments is None:
        raise ValueError("the configuration declares no payments")
    if PLACEHOLDER in _secrets(snapshot.payments):
        raise ValueError("a secret of the payments cannot be found from here; see `clinx check`")
    return Rules(snapshot.payments, snapshot.server.egress_allow)


def _secrets(payments: Payments) -> set[str]:
    found = set[str]()
    if payments.epay is not None:
        found.add(payments.epay.key)
    if payments.stripe is not None:
        found.update((payments.stripe.secret_key, payments.stripe.webhook_secret))
    return found


def _complain(message: str) -> int:
    print(f"clinx: {message}", file=sys.stderr)
    return 1


def _now() -> datetime:
    return datetime.now(UTC)
