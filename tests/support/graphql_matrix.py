"""A world of samples for every type and every input of the console's API, and how each field of it is reached.

The matrix is made from the schema. What the schema gains needs a sample here, if it takes an argument or an input that
nothing here knows, and something to be seen, if it is an object that this world does not hold yet.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLScalarType,
    get_named_type,
    is_required_argument,
)

from clinx.accounts import identities, tokens, users
from clinx.accounts.tokens import Limits
from clinx.billing import codes, orders
from clinx.billing.codes import Offer
from clinx.billing.folding import fold
from clinx.billing.orders import Wish
from clinx.domain.adjustment import Proposed
from clinx.domain.identity import Principal, Role, User
from clinx.domain.money import Amount
from clinx.domain.order import PaymentProvider, order_id
from clinx.domain.override import Aspect, Override
from clinx.graphql.ids import number_of, to_id
from clinx.graphql.schema import schema
from clinx.storage import adjustments, overrides, request_logs, rollups, second_factors
from clinx.storage.database import Database
from clinx.storage.failures import StorageConflict
from clinx.storage.program import Program, execute
from support.console import Client, Console
from support.database import request_log

PEOPLE = ("stranger", "key", "other", "owner", "admin")
"""Nobody, the owner's access key without any scope, another user, whom things belong to, and an operator."""

SECTION = """\
console:
  name: Example
  registration: {open: true, email: optional}
  sign_in: {passkeys: true, github: {client_id: example, client_secret: "${env:UPSTREAM_KEY}"}}
  url: http://localhost:3000
  address: http://localhost:3001
  announcements:
    - {id: maintenance, at: 2026-01-31T09:00:00Z, title: Maintenance, text: At noon.}
"""
TREE = """\
invitations: {inviter: "1", invitee: "0.5"}
payments:
  return_url: https://console.example/billing
  callback_url: https://gw.example
  amounts: ["10", "50"]
  epay: {url: "http://127.0.0.1:9", merchant: "1001", key: "${env:UPSTREAM_KEY}", rate: "7.3", methods: [alipay]}
"""
NOW = datetime.now(UTC)
SINCE, UNTIL = (NOW - timedelta(days=1)).isoformat(), (NOW + timedelta(hours=1)).isoformat()
KEY = "A key of the test's own"


@dataclass(frozen=True)
class Cast:
    """Some people, and one of each thing that belongs to the owner."""

    clients: Mapping[str, Client]
    ids: Mapping[str, str]
    """By the name of a type."""
    secrets: Mapping[str, str]

    def user(self, who: str) -> User:
        found = self.clients[who].user
        assert found is not None
        return found


@dataclass
class World:
    """Makes casts in one gateway."""

    console: Console
    engine: str = "sqlite"
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _columns: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def database(self) -> Database:
        return self.console.gateway.gateway.database

    async def cast(self) -> Cast:
        number, at = next(self._numbers), datetime.now(UTC)
        owner = await self.console.person(f"owner-{number}", credit="10")
        other = await self.console.person(f"other-{number}", credit="10")
        admin = await self.console.person(f"admin-{number}", role=Role.ADMIN, credit="10")
        assert owner.user is not None
        key = await self.console.program(owner.user, "nothing:at_all")
        stranger = replace(self.console.stranger)
        clients = {"stranger": stranger, "key": key, "other": other, "owner": owner, "admin": admin}
        belongings = await self._belongings(owner.user, number, at)
        shown = await owner.query(OWN)
        factor = (await owner.query('mutation { totpSetup(input: {name: "phone"}) { id } }'))["totpSetup"]["id"]
        await self.database.atomically(second_factors.advance(number_of(factor, "SecondFactor"), 1, at))
        everything = await admin.query(
            "query ($batch: ID!) { codes(first: 1, filter: {batch: $batch}) { edges { node { id } } } }",
            batch=belongings["CodeBatch"],
        )
        ids = {
            **belongings,
            "User": str(to_id("User", owner.user.id)),
            "Channel": str(to_id("Channel", "main")),
            "RedemptionCode": everything["codes"]["edges"][0]["node"]["id"],
            "LedgerEntry": shown["ledgerEntries"]["edges"][0]["node"]["id"],
            "Session": shown["viewer"]["sessions"][0]["id"],
            "Identity": shown["viewer"]["identities"][0]["id"],
            "SecondFactor": factor,
            "AccessKey": shown["viewer"]["accessKeys"][0]["id"],
        }
        return Cast(clients, ids, {"code": belongings["code"]})

    async def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return all rows of all tables that a mutation could change."""
        if not self._columns:
            await self._learn()
        asked = {table: f'SELECT {columns} FROM "{table}" ORDER BY 1' for table, columns in self._columns.items()}  # noqa: S608  (names of our own)
        return {table: [tuple(row) for row in await self.database.fetch(sql)] for table, sql in asked.items()}

    async def _learn(self) -> None:
        found: dict[str, list[str]] = {}
        for table, name in await self.database.fetch(COLUMNS[self.engine]):
            if table not in MOVING and name not in IGNORED.get(table, ()):
                found.setdefault(table, []).append(f'"{name}"')
        self._columns = {table: ", ".join(names) for table, names in found.items()}

    async def _belongings(self, owner: User, number: int, at: datetime) -> dict[str, str]:
        database = self.database
        issued = await tokens.issue(
            database, owner, at=at, limits=Limits(budget=Amount.parse("5"), tags={"team": "blue"})
        )
        await identities.bind(database, owner, "github", f"subject-{number}", "somebody", at=at)
        payments = self.console.gateway.gateway.current.snapshot.payments
        assert payments is not None
        wish = Wish(PaymentProvider.EPAY, "alipay", Amount.parse("10"))
        order = await orders.create(database, owner, wish, payments, id_=order_id(number), at=at)
        printed = await codes.create(database, Offer("spring", Amount.parse("1"), 2, None), actor="test", at=at)
        first = await users.create(database, f"first-{number}", role=Role.ADMIN, at=at)
        proposed = Proposed(
            owner.id, Amount.parse("2"), "test", first.id, "test", f"{number}", at, at + timedelta(days=1)
        )
        adjustment = await database.atomically(adjustments.insert(proposed))
        override = await database.atomically(
            overrides.put(Override("main", Aspect.WEIGHT, 2, "test", "test", at, at + timedelta(days=1)))
        )
        log = msgspec.structs.replace(
            request_log(f"req_{number}", Principal(owner, issued.token, "default")),
            at=at,
            model="fake-model",
            group="default",
            quote=("10 input at 2.5/1000000", "x 0.5 by night"),
        )
        await database.atomically(request_logs.append([log]))
        await database.atomically(rollups.append([log]))
        await _fold(database)
        await database.atomically(_spent(owner, at))
        return {
            "Token": str(to_id("Token", issued.token.id)),
            "Order": str(to_id("Order", order.id)),
            "CodeBatch": str(to_id("CodeBatch", printed.batch)),
            "BalanceAdjustment": str(to_id("BalanceAdjustment", adjustment.id)),
            "ChannelOverride": str(to_id("ChannelOverride", override.id)),
            "RequestLog": str(to_id("RequestLog", log.id)),
            "request": log.id,
            "code": printed.codes[0],
        }


async def _fold(database: Database) -> None:
    """Sum up what waits, though the gateway under test may be at it at this moment."""
    while True:
        with contextlib.suppress(StorageConflict):
            await fold(database)
            return


def _spent(user: User, at: datetime) -> Program[None]:
    columns = '(day, user_id, token_id, model, "group", calls, charge, input_tokens, output_tokens)'
    day = at.date().toordinal() - date(1970, 1, 1).toordinal()
    sql = f"INSERT INTO spend {columns} VALUES ($1, $2, 1, 'fake-model', 'default', 1, 10, 5, 5)"  # noqa: S608  (constant columns)
    yield from execute(sql, day, user.id)


OWN = """{
  viewer { sessions { id } identities { id } accessKeys { id } }
  ledgerEntries(first: 1) { edges { node { id } } }
}"""

Sample = Callable[[Cast], Any]


def of(kind: str) -> Sample:
    return lambda cast: cast.ids[kind]


def by_id(kind: str) -> Sample:
    return lambda cast: {"id": cast.ids[kind]}


def fixed(value: Any) -> Sample:
    return lambda cast: value


ARGUMENTS: Mapping[str, Sample] = {
    "first": fixed(5),
    "filter.user": of("User"),
    "Query.user.id": of("User"),
    "Query.token.id": of("Token"),
    "Query.order.id": of("Order"),
    "Query.node.id": of("Token"),
    "Query.requestLog.id": of("RequestLog"),
    "Query.explainRequest.id": of("request"),
    "Query.channel.name": fixed("main"),
    "Query.spend.since": fixed(SINCE[:10]),
    "Query.spend.until": fixed(UNTIL[:10]),
    "Query.spend.user": of("User"),
    "Query.requestLogExportUrl.format": fixed("CSV"),
    "Query.liveUsage.user": of("User"),
    "TopUpProvider.price.amount": fixed("10"),
    "Subscription.taskProgress.id": fixed(str(to_id("Task", "none"))),
    "Subscription.balanceChanged.user": of("User"),
}
"""By ``Type.field.argument``, or by the argument's name alone. Whose it is, is said wherever it can be."""

INPUTS: Mapping[str, Sample] = {
    # Of queries.
    "UsageReportInput": lambda cast: {"since": SINCE, "until": UNTIL, "user": cast.ids["User"], "by": "MODEL"},
    "RequestLogFilter": lambda cast: {"since": SINCE, "until": UNTIL, "user": cast.ids["User"]},
    "RequestLogTailFilter": lambda cast: {"user": cast.ids["User"]},
    "ExplainPriceInput": fixed({"model": "fake-model", "usage": [{"unit": "INPUT", "count": "1000"}]}),
    "ExplainRouteInput": fixed({"model": "fake-model", "usage": [{"unit": "INPUT", "count": "1000"}]}),
    "PlanInput": fixed({"documents": [{"path": "more.yaml", "content": "groups: {more: {}}\n"}]}),
    "ChannelTestInput": lambda cast: {"channel": cast.ids["Channel"], "model": "none"},
    # Of people.
    "UserCreateInput": fixed({"name": "made"}),
    "UserUpdateInput": lambda cast: {"id": cast.ids["User"], "displayName": "Changed"},
    "UserSignOutEverywhereInput": by_id("User"),
    "UserPasswordResetInput": by_id("User"),
    "UserResetSecondFactorsInput": by_id("User"),
    "ProfileUpdateInput": fixed({"displayName": "Changed"}),
    "NotificationSettingsUpdateInput": fixed({"byEmail": True}),
    "EmailChangeInput": fixed({"email": "new@example.org"}),
    "EmailVerifyInput": fixed({"secret": "none"}),
    "EmailVerificationSendInput": fixed({"name": "nobody"}),
    "IdentityUnbindInput": by_id("Identity"),
    "SessionRevokeInput": by_id("Session"),
    "SecondFactorRemoveInput": by_id("SecondFactor"),
    "SecondFactorRenameInput": lambda cast: {"id": cast.ids["SecondFactor"], "name": "changed"},
    "TotpSetupInput": fixed({"name": "tablet"}),
    "TotpConfirmInput": lambda cast: {"id": cast.ids["SecondFactor"], "code": "000000"},
    "StepUpInput": fixed({"password": "none-of-theirs"}),
    "PasswordChangeInput": fixed({"new": "correct horse battery staple"}),
    "PasswordResetInput": fixed({"secret": "none", "password": "correct horse battery staple"}),
    "PasswordResetRequestInput": fixed({"email": "nobody@example.org"}),
    "RegisterInput": fixed({"name": "registered", "password": "correct horse battery staple"}),
    "SignInInput": fixed({"login": "nobody", "password": "none-of-theirs"}),
    "SignInFinishInput": fixed({"challenge": "none", "code": "000000", "kind": "TOTP"}),
    "PasskeyRegisterFinishInput": fixed({"ceremony": "none", "credential": "{}"}),
    "PasskeySignInBeginInput": fixed({}),
    "PasskeySignInFinishInput": fixed({"ceremony": "none", "credential": "{}"}),
    "PasskeyStepUpFinishInput": fixed({"ceremony": "none", "credential": "{}"}),
    # Of credentials.
    "AccessKeyCreateInput": fixed({"name": "made", "permissions": ["self:read"], "idempotencyKey": KEY}),
    "AccessKeyRevokeInput": by_id("AccessKey"),
    "TokenCreateInput": lambda cast: {"user": cast.ids["User"], "name": "made", "idempotencyKey": KEY},
    "TokenInput": by_id("Token"),
    "TokenRotateInput": lambda cast: {"id": cast.ids["Token"], "idempotencyKey": KEY},
    "TokenUpdateInput": lambda cast: {"id": cast.ids["Token"], "name": "changed"},
    # Of money.
    "UserAdjustBalanceInput": lambda cast: {
        "user": cast.ids["User"],
        "by": "1",
        "reason": "test",
        "idempotencyKey": KEY,
    },
    "BalanceAdjustmentInput": by_id("BalanceAdjustment"),
    "ChargeRefundInput": fixed({"requestId": "none", "reason": "test", "idempotencyKey": KEY}),
    "CodeBatchCreateInput": fixed({"amount": "1", "count": 2, "name": "made", "idempotencyKey": KEY}),
    "CodeBatchDisableInput": by_id("CodeBatch"),
    "CodeDisableInput": by_id("RedemptionCode"),
    "CodeRedeemInput": lambda cast: {"code": cast.secrets["code"]},
    "InvitationAcceptInput": fixed({"code": "none"}),
    "InvitationTransferInput": fixed({"amount": "1", "idempotencyKey": KEY}),
    "OrderCreateInput": fixed({"amount": "0", "provider": "EPAY", "method": "alipay", "idempotencyKey": KEY}),
    "OrderReconcileInput": by_id("Order"),
    # Of the gateway.
    "ChannelOverrideInput": lambda cast: {
        "channel": cast.ids["Channel"],
        "weight": 3,
        "reason": "test",
        "lasting": "PT5M",
    },
    "ChannelOverrideDropInput": by_id("ChannelOverride"),
    "ChannelResetInput": lambda cast: {"channel": cast.ids["Channel"]},
    "ChannelBalanceRefreshInput": lambda cast: {"channel": cast.ids["Channel"]},
    "PromoteInput": fixed({"dryRun": True}),
    "ProposeChangeInput": fixed({"path": "groups.default.multiplier", "value": "2"}),
    "ReloadInput": fixed({"onlyHere": True}),
    "RollbackInput": fixed({"reason": "test", "dryRun": True}),
    "RollbackLiftInput": fixed({"revision": "none"}),
}
"""By the name of an input type: what is in it for a cast."""

UNSEEN: Mapping[str, str] = {
    "ChannelTest": "no channel was tested yet",
    "ProviderBalance": "no vendor was asked yet",
    "PaymentEvent": "no provider has called back",
    "Task": "this gateway takes no tasks",
    "Trial": "no revision is on trial",
    "Rejection": "no revision was rejected",
    "PlanLoss": "the planned change takes nothing away",
    "RewrittenPart": "no rule rewrites",
    "RuleTold": "there are no rules",
    "RouteRefusal": "the route is found",
    "ChannelWay": "nobody has called the upstream yet",
    "Diagnostic": "the tree and the planned one are in order",
    "PlanSection": "what is planned changes nothing for anybody",
}
"""Types of which this world holds nothing, and why; their fields are covered where they are made."""


SOMETIMES = ("BooksAudit", "InvariantCheck", "Breach")
"""Types that are seen once a process has run for a while: the books are audited then."""


class NoSample(AssertionError):
    """The schema takes something that nobody has given a sample of."""


TYPES = schema.core.type_map
OBJECTS: Mapping[str, GraphQLObjectType] = {
    name: type_
    for name, type_ in sorted(TYPES.items())
    if isinstance(type_, GraphQLObjectType) and not name.startswith("__")
}
ROOTS = ("Query", "Mutation", "Subscription")
Step = tuple[str, str]
"""A type and a field of it."""


def arguments(step: Step, cast: Cast) -> str:
    """Write the arguments of a field.

    Raises:
        NoSample: there is none of one that is required.
    """
    type_name, name = step
    written: list[str] = []
    for argument, defined in OBJECTS[type_name].fields[name].args.items():
        value = _sample(f"{type_name}.{name}", argument, defined, cast)
        if value is not None:
            written.append(f"{argument}: {literal(value, defined.type)}")
    return f"({', '.join(written)})" if written else ""


def _sample(where: str, argument: str, defined: Any, cast: Cast) -> Any:
    type_ = get_named_type(defined.type)
    for known in (f"{where}.{argument}", argument):
        if known in ARGUMENTS:
            return ARGUMENTS[known](cast)
    if isinstance(type_, GraphQLInputObjectType):
        if type_.name in INPUTS:
            return INPUTS[type_.name](cast)
        if not is_required_argument(defined) and "user" in type_.fields:
            return {"user": cast.ids["User"]}
    if is_required_argument(defined):
        table = "INPUTS" if isinstance(type_, GraphQLInputObjectType) else "ARGUMENTS"
        raise NoSample(f"{where} takes {argument}: {defined.type}; add a sample to {table} in {__name__}")
    return None


def literal(value: Any, type_: Any) -> str:
    """Write a value as GraphQL does."""
    named = get_named_type(type_)
    if isinstance(value, dict):
        assert isinstance(named, GraphQLInputObjectType)
        inside = (f"{name}: {literal(each, named.fields[name].type)}" for name, each in value.items())
        return f"{{{', '.join(inside)}}}"
    if isinstance(value, list):
        return f"[{', '.join(literal(each, type_) for each in value)}]"
    return str(value) if isinstance(named, GraphQLEnumType) else json.dumps(value)


def paths() -> dict[str, tuple[Step, ...]]:
    """Return the shortest way from the query's root to every object type that one leads to."""
    known: dict[str, tuple[Step, ...]] = {"Query": ()}
    waiting = deque(["Query"])
    while waiting:
        name = waiting.popleft()
        for field_name, defined in OBJECTS[name].fields.items():
            for found in _objects(defined):
                if found not in known:
                    known[found] = (*known[name], (name, field_name))
                    waiting.append(found)
    return known


def _objects(defined: GraphQLField) -> list[str]:
    type_ = get_named_type(defined.type)
    return [type_.name] if isinstance(type_, GraphQLObjectType) else []


def leaf(defined: GraphQLField) -> str:
    """Select something of a field, whatever it is."""
    type_ = get_named_type(defined.type)
    return "" if isinstance(type_, GraphQLScalarType | GraphQLEnumType) else "{ __typename }"


def question(path: tuple[Step, ...], name: str, fields: Sequence[str], cast: Cast) -> str:
    """Ask for some fields of an object at the end of a path."""
    defined = OBJECTS[name].fields
    inner = " ".join(f"{each}{arguments((name, each), cast)} {leaf(defined[each])}" for each in fields)
    for step in reversed(path):
        inner = f"{step[1]}{arguments(step, cast)} {{ {inner} }}"
    return f"{{ {inner} }}"


async def seen(cast: Cast, who: str, name: str, path: tuple[Step, ...]) -> dict[str, str]:
    """Say what somebody saw of each field of a type: all are asked for at once as long as none is refused by itself."""
    fields = list(OBJECTS[name].fields)
    answer = await cast.clients[who].ask(question(path, name, fields, cast)) if name != "Query" else {}
    if name == "Query" or any(_depth(each) > len(path) for each in answer.get("errors", ())):
        answers = {each: await cast.clients[who].ask(question(path, name, [each], cast)) for each in fields}
        return {each: verdict(answers[each], path) for each in fields}
    return dict.fromkeys(fields, verdict(answer, path))


def _depth(error: Mapping[str, Any]) -> int:
    return sum(isinstance(each, str) for each in error.get("path", ()))


def verdict(answer: Mapping[str, Any], path: tuple[Step, ...]) -> str:
    """Say what somebody saw: ``seen``, ``nothing``, or the code of what it was refused with."""
    if errors := answer.get("errors"):
        return "+".join(sorted({each["extensions"]["code"] for each in errors}))
    found: list[Any] = [answer["data"]]
    for _, name in path:
        found = [each for value in found for each in _flat(value[name])]
    return "seen" if found else "nothing"


def _flat(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [each for item in value for each in _flat(item)]
    return [] if value is None else [value]


def change(name: str, cast: Cast) -> str:
    """Ask for a mutation, and for all that its payload tells."""
    payload = get_named_type(OBJECTS["Mutation"].fields[name].type)
    assert isinstance(payload, GraphQLObjectType)
    return f"mutation {{ {name}{arguments(('Mutation', name), cast)} {{ {payload_fields(payload)} }} }}"


def payload_fields(payload: GraphQLObjectType) -> str:
    """Select every field of a payload, and of what is only ever in payloads."""
    chosen = ["errors { code message path parameters { name value } }"]
    for name, defined in payload.fields.items():
        type_ = get_named_type(defined.type)
        if name == "errors":
            continue
        if isinstance(type_, GraphQLObjectType) and type_.name not in paths():
            inside = " ".join(
                f"{each} {leaf(of_it)}" for each, of_it in type_.fields.items() if not isinstance(of_it.args, bool)
            )
            chosen.append(f"{name} {{ {inside} }}")
        else:
            chosen.append(f"{name} {leaf(defined)}")
    return " ".join(chosen)


def done(answer: Mapping[str, Any], name: str) -> str:
    """Say what became of a mutation: ``done``, the codes in its payload, or a code at the top in brackets."""
    if errors := answer.get("errors"):
        return "[" + "+".join(sorted({each["extensions"]["code"] for each in errors})) + "]"
    codes_ = sorted({each["code"] for each in answer["data"][name]["errors"]})
    return "+".join(codes_) or "done"


async def follow(client: Client, text: str) -> str:
    """Say what became of a subscription: ``followed`` as long as nobody refuses it."""
    events = client.subscribe(text)
    try:
        async with asyncio.timeout(2.0):
            first = await anext(events, None)
    except TimeoutError:
        return "followed"
    finally:
        with contextlib.suppress(RuntimeError):
            await events.aclose()
    if first is None:
        return "followed"
    return "+".join(sorted({each["extensions"]["code"] for each in first.get("errors", ())})) or "followed"


COLUMNS: Mapping[str, str] = {
    "sqlite": "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'"
    " ORDER BY t.name, c.cid",
    "postgres": "SELECT table_name, column_name FROM information_schema.columns"
    " WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position",
}
"""How an engine tells which columns it has."""

IGNORED: Mapping[str, tuple[str, ...]] = {
    "session": ("seen_at",),
    "access_key": ("used_at",),
}
"""Columns that say that somebody was there."""
MOVING = (
    "audit_log",
    "announcement",
    "node",
    "served_revision",
    "notice",
    "sqlite_sequence",
    "rollup_fact",
    "rollup",
    "counted",
)
"""Tables that are written on any request, or by the process itself."""
