"""Who sees and does what: every field and every mutation, by everybody, against a file that is reviewed.

The file is written anew by ``CLINX_WRITE_GOLDENS=1 pytest tests/graphql/test_access_matrix.py``; read its diff.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from clinx.graphql.schema import RULES
from support import graphql_matrix as matrix
from support.console import running_console
from support.database import ENGINES, kept_in
from support.graphql_matrix import OBJECTS, PEOPLE, World

pytestmark = pytest.mark.asyncio(loop_scope="module")

GOLDEN = Path(__file__).parents[1] / "goldens" / "graphql" / "access.txt"
WRITE = "CLINX_WRITE_GOLDENS"
REFUSED = ("not_found", "role_too_low", "not_yourself", "step_up_required")
"""Codes in payloads that say that somebody may not, as those at the top do."""

Line = tuple[str, Mapping[str, str]]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=ENGINES)
async def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, _migrated_database: str
) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("matrix")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("UPSTREAM_KEY", "vendor-secret-0123456789")
        async with (
            kept_in(request.param) as settings,
            running_console(folder, section=matrix.SECTION, tree=matrix.TREE, **settings) as console,
        ):
            if request.param != "sqlite":
                await console.person("registered")  # The stranger, who is not asked here, would be.
            yield World(console, request.param)


def asking(world: World, *, changes: bool = False) -> Sequence[str]:
    """Who asks: everybody, and on a second engine only those who get as far as to its statements."""
    if world.engine == "sqlite":
        return PEOPLE
    return ("admin",) if changes else ("owner", "admin")


def read(section: str) -> dict[str, str]:
    """Return a section of the golden file: what stands behind each name."""
    text = GOLDEN.read_text(encoding="utf-8") if GOLDEN.exists() else ""
    _, _, rest = text.partition(f"# {section}\n")
    lines = rest.partition("\n#")[0].splitlines()
    return {name: verdicts for name, _, verdicts in (line.partition("  ") for line in lines if line)}


def compare(world: World, section: str, found: Mapping[str, Mapping[str, str]]) -> None:
    people = asking(world, changes=section == "mutations")
    written = {name: "  ".join(f"{who}={said[who]}" for who in people) for name, said in sorted(found.items())}
    if os.environ.get(WRITE) and people == PEOPLE:
        write(section, written)
    known = {
        name: "  ".join(each for each in said.split("  ") if each.partition("=")[0] in people)
        for name, said in read(section).items()
    }
    changed = [
        f"{name}:\n  was {known.get(name, '-')}\n  is  {written.get(name, '-')}"
        for name in sorted(known.keys() | written.keys())
        if known.get(name) != written.get(name)
    ]
    if changed:
        said = f"who sees or does what has changed; if it is meant, write {GOLDEN.name} with {WRITE}=1 and review it"
        pytest.fail("\n".join([said, *changed]), pytrace=False)


def assert_no_defect(found: Mapping[str, Mapping[str, str]]) -> None:
    defects = [f"{name} for {who}" for name, said in found.items() for who in said if "internal" in said[who]]
    assert not defects, "\n".join(defects)


def write(section: str, lines: Mapping[str, str]) -> None:
    sections = {name: read(name) for name in ("fields", "mutations", "subscriptions")}
    sections[section] = dict(lines)
    text = "\n".join(
        "\n".join([f"# {name}", *(f"{key}  {said}" for key, said in sorted(held.items())), ""])
        for name, held in sections.items()
    )
    GOLDEN.write_text(text, encoding="utf-8")


async def test_every_field_is_seen_by_whom_it_is_for(world: World, caplog: pytest.LogCaptureFixture) -> None:
    cast, found = await world.cast(), dict[str, dict[str, str]]()
    for name, path in matrix.paths().items():
        if not name.endswith(("Connection", "Edge")) and name not in matrix.SOMETIMES:
            for who in asking(world):
                for field, said in (await matrix.seen(cast, who, name, path)).items():
                    found.setdefault(f"{name}.{field}", {})[who] = said

    unseen = {name.partition(".")[0] for name, said in found.items() if "seen" not in said.values()}
    missing, found_again = sorted(unseen - matrix.UNSEEN.keys()), sorted(matrix.UNSEEN.keys() - unseen)
    assert not missing, f"nobody sees any {', '.join(missing)}: extend the world of samples"
    assert not found_again, f"the world holds {', '.join(found_again)} now: take it off the list"
    assert_no_defect(found)
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []
    compare(world, "fields", found)


async def test_every_mutation_is_done_for_whom_it_is_for_and_changes_nothing_for_others(world: World) -> None:
    cast, found, changed = await world.cast(), dict[str, dict[str, str]](), list[str]()
    before = await world.contents()
    for name, who in itertools.product(OBJECTS["Mutation"].fields, asking(world, changes=True)):
        answer = await cast.clients[who].ask(matrix.change(name, cast))
        said = found.setdefault(name, {})[who] = matrix.done(answer, name)
        after = await world.contents()
        moved = [table for table in after if after[table] != before[table]]
        if said.startswith("[") or said in REFUSED:
            changed += [f"{name} by {who}: {said}, and yet {table} changed" for table in moved]
        if moved or said == "done":
            cast, before = await world.cast(), await world.contents()

    assert not changed, "\n".join(["what is refused changes nothing", *changed])
    assert_no_defect(found)
    compare(world, "mutations", found)


async def test_every_subscription_is_followed_by_whom_it_is_for(world: World) -> None:
    cast = await world.cast()
    asked = {
        (name, who): f"subscription {{ {name}{matrix.arguments(('Subscription', name), cast)} {matrix.leaf(defined)} }}"
        for name, defined in OBJECTS["Subscription"].fields.items()
        for who in asking(world)
    }

    told = await asyncio.gather(*(matrix.follow(cast.clients[who], text) for (_, who), text in asked.items()))

    found = dict[str, dict[str, str]]()
    for (name, who), said in zip(asked, told, strict=True):
        found.setdefault(name, {})[who] = said
    compare(world, "subscriptions", found)


async def test_no_field_is_left_out() -> None:
    """What is neither reached by a query, nor in a payload, nor what a subscription sends, is reached by nothing."""
    reached = set(matrix.paths())
    payloads = {matrix.get_named_type(each.type).name for each in OBJECTS["Mutation"].fields.values()}
    inside = {
        matrix.get_named_type(each.type).name for payload in payloads for each in OBJECTS[payload].fields.values()
    }
    inside |= {
        matrix.get_named_type(each.type).name
        for name in inside & OBJECTS.keys()
        for each in OBJECTS[name].fields.values()
    }
    sent = {matrix.get_named_type(each.type).name for each in OBJECTS["Subscription"].fields.values()}
    sent |= {matrix.get_named_type(each.type).name for name in sent for each in OBJECTS[name].fields.values()}
    # What an interface leads to is reached by the object's own way as well.
    assert sorted(OBJECTS.keys() - reached - payloads - inside - sent - set(matrix.ROOTS)) == []
    assert {rule.partition(".")[0] for rule in RULES} == OBJECTS.keys()


async def test_what_is_for_everybody_is_little() -> None:
    """A mutation or a query that a stranger may ask is on this list, or it is a mistake."""
    open_to_all = {name for name, rule in RULES.items() if rule.anyone and name.partition(".")[0] in matrix.ROOTS}

    assert open_to_all == OPEN


OPEN = {
    *("Query.node", "Query.viewer", "Query.signInOptions", "Query.models", "Query.explainPrice", "Query.announcements"),
    *("Mutation.signIn", "Mutation.signInFinish", "Mutation.signOut", "Mutation.register"),
    *("Mutation.passwordReset", "Mutation.passwordResetRequest"),
    *("Mutation.emailVerify", "Mutation.emailVerificationSend"),
    *("Mutation.passkeySignInBegin", "Mutation.passkeySignInFinish"),
}
