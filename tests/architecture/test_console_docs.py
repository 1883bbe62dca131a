"""What docs/console.md says of the API is what the code says."""

from __future__ import annotations

import ast
import re
from http import HTTPStatus

from graphql import GraphQLObjectType, build_schema

from architecture.source_tree import DOCS, PACKAGE, REPOSITORY, check
from clinx.accounts import email_addresses, password_changes
from clinx.domain.identity import Role
from clinx.graphql import limits, operation, paging, socket, view
from clinx.storage import search

PAGE = (DOCS / "console.md").read_text(encoding="utf-8")


def test_every_verb_of_the_console_is_documented() -> None:
    schema = build_schema((REPOSITORY / "schema.graphql").read_text(encoding="utf-8"))
    roots = [schema.type_map[name] for name in ("Query", "Mutation", "Subscription")]
    verbs = {name for root in roots if isinstance(root, GraphQLObjectType) for name in root.fields}

    assert len(verbs) > 100
    check(
        verbs - set(re.findall(r"`(\w+)[`({ ]", PAGE)),
        why="whoever looks for a way to do something reads the page, not thousands of lines of a schema",
        what="name it in a table of docs/console.md.",
    )


def test_the_bounds_of_an_operation_are_those_of_the_code() -> None:
    cost = limits.MOST_COST
    rows = {
        "document": f"{operation.MOST_TEXT:,} characters, {limits.MOST_TOKENS:,} words and signs",
        "depth, aliases, fragments": f"{limits.MOST_DEPTH}, {limits.MOST_ALIASES}, {limits.MOST_FRAGMENTS}",
        "cost": f"{cost[None]:,} for strangers, {cost[Role.USER]:,} for users, {cost[Role.ROOT]:,} for admins and root",
        "`first`, which every page needs": f"{paging.MOST}; {search.MOST} of `requestLogs`",
        "time": f"{view.SECONDS:g} seconds; subscriptions last",
        "operations of a WebSocket": f"{socket.MOST} at a time",
    }

    assert cost[Role.ADMIN] == cost[Role.ROOT]
    assert dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", PAGE, re.MULTILINE)).items() >= rows.items()


def test_what_is_dear_is_told_with_its_price() -> None:
    (told,) = re.findall(r"Dearer by themselves are (.*?)\. `extensions", PAGE, re.DOTALL)
    *parts, _ = re.split(r"\(([\d,]+)\)", told)
    prices = {
        name: int(price.replace(",", ""))
        for names, price in zip(parts[::2], parts[1::2], strict=True)
        for name in re.findall(r"`(\w+)`", names)
    }

    assert prices == limits.WEIGHTS


def test_each_status_is_told_beside_its_code() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]*) \| [^|]+ \|$", PAGE, re.MULTILINE)
    told = {code: status for codes, status in rows for code in re.findall(r"`(\w+)`", codes)}
    answered = {
        (ast.literal_eval(call.args[1]), str(HTTPStatus[status.attr].value))
        for file in (PACKAGE / "graphql").glob("*.py")
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Refused"
        for status in call.args[:1]
        if isinstance(status, ast.Attribute)
    }

    assert len(answered) > 8
    check(
        (f"{code}: {status}" for code, status in answered if status not in told.get(code, "")),
        why="what carries a frontend's operations acts on the status before anybody reads the code",
        what="give the status beside the code in the table under `## Codes` of docs/console.md.",
    )


def test_every_fact_of_the_ledger_is_documented() -> None:
    (table,) = re.findall(r"^\| kind \| facts \|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    calls = [
        node
        for file in (PACKAGE / "billing").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]
    written = {
        str(keyword.arg)
        for call in calls
        if getattr(call.func, "attr", getattr(call.func, "id", "")) in {"describe", "detail"}
        for keyword in call.keywords
        if keyword.arg is not None
    }

    assert {"actor", "reason", "charge"} <= written
    check(
        written - set(re.findall(r"`(\w+)`", table)),
        why="a frontend words facts by their names",
        what="add the fact to the table under `### Facts` in docs/console.md.",
    )


def test_the_pages_that_letters_lead_to_are_documented() -> None:
    for page in (email_addresses.PAGE, password_changes.PAGE):
        assert f"| `{page}SECRET` |" in PAGE
