"""The console's schema keeps its manners, and what was released keeps working."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_specified_scalar_type,
)

from architecture.source_tree import REPOSITORY, TESTS, check
from clinx.graphql.permissions import Rule
from clinx.graphql.schema import RULES, printed, schema
from support.schema_changes import breaking

SCHEMA = REPOSITORY / "schema.graphql"
GOLDENS = TESTS / "goldens" / "graphql"
RELEASED = GOLDENS / "released.graphql"
WRITE = "CLINX_WRITE_GOLDENS"

TYPES = {
    name: type_
    for name, type_ in schema.core.type_map.items()
    if not name.startswith("__") and not is_specified_scalar_type(type_)
}
ROOTS = ("Query", "Mutation", "Subscription")
VERBS = {
    *("Accept", "Adjust", "Approve", "Balance", "Begin", "Change", "Confirm", "Create", "Delete", "Disable", "Drop"),
    *("Enable", "Everywhere", "Factors", "Finish", "In", "Lift", "Out", "Override", "Reconcile", "Redeem", "Refresh"),
    *("Refund", "Regenerate", "Reject", "Remove", "Rename", "Request", "Reset", "Revoke", "Rotate", "Send", "Setup"),
    *("Transfer", "Unbind", "Up", "Update", "Verify"),
}
"""How a mutation ends: ``tokenCreate``, ``userSignOutEverywhere``."""
BARE = {"promote", "proposeChange", "register", "reload", "rollback"}
"""Mutations of the whole gateway, or of whoever asks: there is no object to name first."""
NO_INPUT = {
    *("signOut", "signOutEverywhere", "backupCodesRegenerate"),
    *("passkeyRegisterBegin", "passkeyStepUpBegin"),
}
"""Mutations with nothing to say: who asks is all."""
MONEY = re.compile(r"(amount|balance|charge|spent|budget|earned|reward|cost|margin)$", re.IGNORECASE)
NO_MONEY = {
    "AppliedRate.amount": "a rate as it stands in the tree, which may have more decimals than a sum of money",
    "ProviderBalance.amount": "in the vendor's currency and with the vendor's digits: no sum of the ledger",
    "QuotedLine.amount": "exact, and so finer than the ledger: only the total is rounded",
    "PlanSection.rows": "a table as it is printed",
}
GIVEN_NAMES = {"requestId", "upstreamId", "taskId"}
"""Names that were given elsewhere, and are no ids of objects here."""
RATIOS = {"UsageFigures.errorRate"}


def fields() -> Iterator[tuple[str, Any]]:
    """Every field of every object, interface and input, by its dotted name."""
    for name, type_ in sorted(TYPES.items()):
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for field, defined in type_.fields.items():
                yield f"{name}.{field}", defined


def is_list(type_: Any) -> bool:
    inside = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    return isinstance(inside, GraphQLList)


def own_words(name: str, defined: Any) -> str:
    """The description of a field without what its rule says."""
    rule: Rule | None = RULES.get(name)
    return (defined.description or "").removesuffix(rule.shown if rule else "").strip()


def listed(name: str) -> set[str]:
    path = GOLDENS / name
    return set(path.read_text(encoding="utf-8").split()) if path.exists() else set()


def compare(name: str, found: set[str], *, why: str, what: str) -> None:
    """Hold what was found against a list that only grows on purpose."""
    if os.environ.get(WRITE):
        (GOLDENS / name).write_text("".join(f"{each}\n" for each in sorted(found)), encoding="utf-8")
    check(
        found ^ listed(name),
        why=why,
        what=f"{what} If it is right as it is: {WRITE}=1, and review {GOLDENS.name}/{name}.",
    )


def test_the_checked_in_schema_is_the_one_the_code_prints() -> None:
    known = SCHEMA.read_text(encoding="utf-8") if SCHEMA.exists() else ""
    if known != printed():
        where = SCHEMA.relative_to(REPOSITORY).as_posix()
        pytest.fail(f"frontends are written against {where}: clinx schema graphql > {where}", pytrace=False)


def test_nothing_that_was_released_breaks() -> None:
    check(
        breaking(RELEASED.read_text(encoding="utf-8"), printed()),
        why="pages and scripts that were written for the release would stop working",
        what=(
            "Add beside the old, and deprecate that with a date. To break on purpose, at a release:"
            f" clinx schema graphql > {RELEASED.relative_to(REPOSITORY).as_posix()}, and say so in CHANGELOG.md."
        ),
    )


def test_what_breaks_is_found() -> None:
    old = "type Query { a(x: Int): Int  b: Int } enum E { A B }"

    assert breaking(old, "type Query { a(x: Int): Int  b: Int  c: Int } enum E { A B C }") == []
    assert breaking(old, "type Query { a(x: Int!): String } enum E { A }") == [
        "Argument Query.a(x:) has changed type from Int to Int!.",
        "Enum value E.B was removed.",
        "Field Query.a changed type from Int to String.",
        "Field Query.b was removed.",
    ]


def test_what_is_deprecated_says_until_when() -> None:
    check(
        (
            f"{name}: {defined.deprecation_reason}"
            for name, defined in fields()
            if defined.deprecation_reason and not re.search(r"\b20\d\d-\d\d-\d\d\b", defined.deprecation_reason)
        ),
        why="whoever uses it must know how long it stays",
        what="write the date from which it may be gone into the reason: 2027-01-31.",
    )


def test_names_are_written_as_everywhere_in_graphql() -> None:
    types = (name for name in TYPES if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name))
    named = (name for name, _ in fields() if not re.fullmatch(r"\w+\.[a-z][A-Za-z0-9]*", name))
    values = (
        f"{name}.{value}"
        for name, type_ in TYPES.items()
        if isinstance(type_, GraphQLEnumType)
        for value in type_.values
        if not re.fullmatch(r"[A-Z][A-Z0-9_]*", value)
    )

    check([*types, *named, *values], why="tools and people rely on it", what="PascalCase, camelCase, UPPER_CASE.")


def test_a_mutation_names_the_object_and_then_the_verb() -> None:
    names = set(TYPES["Mutation"].fields)  # pyright: ignore[reportAttributeAccessIssue]

    check(
        (name for name in names - BARE if re.split(r"(?=[A-Z])", name)[-1] not in VERBS),
        why="mutations of one object stand together in every list",
        what="tokenCreate, not createToken; a new verb belongs into VERBS here.",
    )
    assert names >= BARE


def test_a_mutation_takes_one_input_and_returns_its_own_payload_with_errors() -> None:
    def finding(name: str, defined: Any) -> str | None:
        arguments = {argument: str(each.type) for argument, each in defined.args.items()}
        payload = get_named_type(defined.type)
        if name not in NO_INPUT and (list(arguments) != ["input"] or not arguments["input"].endswith("Input!")):
            return f"{name} takes {arguments}: one `input: …Input!`"
        if name in NO_INPUT and arguments:
            return f"{name} takes something: it is no longer one of NO_INPUT"
        if not isinstance(defined.type, GraphQLNonNull) or not payload.name.endswith("Payload"):
            return f"{name} returns {defined.type}: a `…Payload!`"
        if str(payload.fields["errors"].type if "errors" in payload.fields else None) != "[UserError!]!":
            return f"{payload.name} has no `errors: [UserError!]!`"
        return None

    found = (finding(name, each) for name, each in TYPES["Mutation"].fields.items())  # pyright: ignore[reportAttributeAccessIssue]
    check((each for each in found if each), why="one client code handles all of them", what="see above.")


def test_inputs_are_only_taken_and_payloads_only_given() -> None:
    check(
        (
            name
            for name, type_ in TYPES.items()
            if name.endswith(("Input", "Filter")) is not isinstance(type_, GraphQLInputObjectType)
        ),
        why="the name of a type says which way it goes",
        what="an input ends in Input or Filter, and nothing else does.",
    )


def test_every_type_and_everything_at_the_top_is_described() -> None:
    types = (name for name, type_ in TYPES.items() if not type_.description and name not in ROOTS)
    top = (name for name, each in fields() if name.partition(".")[0] in ROOTS and not own_words(name, each))

    check([*types, *top], why="the schema is the documentation of the API", what="say in a sentence what it is.")


def test_every_other_field_is_described_or_its_name_says_all() -> None:
    bare = {
        name.partition(".")[2]
        for name, each in fields()
        if not own_words(name, each) and not name.partition(".")[0].endswith(("Connection", "Edge"))
    }

    compare(
        "obvious_names.txt",
        bare,
        why="a name that needs no words is rare",
        what="Describe the field.",
    )


def test_every_list_has_pages_or_is_known_to_be_small() -> None:
    small = {
        name
        for name, each in fields()
        if is_list(each.type)
        and isinstance(get_named_type(each.type), GraphQLObjectType)
        and not name.endswith(("Connection.edges", ".errors"))
    }

    compare("small_lists.txt", small, why="a list without pages grows until it breaks", what="Make it a connection.")


def test_a_connection_is_asked_for_with_first() -> None:
    check(
        (
            name
            for name, each in fields()
            if get_named_type(each.type).name.endswith("Connection")
            and str(each.args["first"].type if "first" in each.args else None) != "Int!"
        ),
        why="whoever asks says how much",
        what="take `first: Int!` and `after: String`.",
    )


def test_money_is_an_amount_and_nothing_is_a_float_but_a_ratio() -> None:
    floats = (name for name, each in fields() if get_named_type(each.type).name == "Float" and name not in RATIOS)
    money = (
        f"{name}: {each.type}"
        for name, each in fields()
        if MONEY.search(name)
        and name not in NO_MONEY
        and name.partition(".")[0] not in ROOTS
        and get_named_type(each.type).name not in {"Amount", "Balance"}
    )

    check([*floats, *money], why="money that was a float once is wrong for ever", what="use Amount.")


def test_an_id_is_an_id() -> None:
    check(
        (
            f"{name}: {each.type}"
            for name, each in fields()
            if re.search(r"(\.id|Id)$", name)
            and name.partition(".")[2] not in GIVEN_NAMES
            and get_named_type(each.type).name != "ID"
        ),
        why="clients keep objects by it",
        what="type it ID; what was named elsewhere belongs into GIVEN_NAMES.",
    )


def test_what_a_password_or_a_key_is_sent_in_is_a_secret() -> None:
    check(
        (
            f"{name}: {each.type}"
            for name, each in fields()
            if isinstance(TYPES[name.partition(".")[0]], GraphQLInputObjectType)
            and re.search(r"\.(password|secret|old|new|challenge|ceremony)$", name)
            and get_named_type(each.type).name != "Secret"
        ),
        why="a Secret is written into no log, whatever becomes of the operation",
        what="type it Secret.",
    )


@pytest.mark.parametrize("name", sorted(name for name, type_ in TYPES.items() if isinstance(type_, GraphQLObjectType)))
def test_what_has_an_id_can_be_found_by_it(name: str) -> None:
    type_ = TYPES[name]
    assert isinstance(type_, GraphQLObjectType)
    is_node = "Node" in {each.name for each in type_.interfaces}

    assert is_node is (str(type_.fields["id"].type if "id" in type_.fields else None) == "ID!")
