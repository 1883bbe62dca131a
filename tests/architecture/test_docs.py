"""What can be set, called, scraped or met is documented, and what the documentation shows works."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from architecture.source_tree import DOCS, PACKAGE, REPOSITORY, check, modules
from clinx.cli import main
from clinx.config.compile import compile_tree
from clinx.config.secrets import SecretResolver
from clinx.config.tree import default_tree, read_tree
from clinx.dialects.registry import DIALECTS
from clinx.relay.trials import try_tree
from clinx.settings import PREFIX, Settings
from clinx.telemetry.metrics import Metrics
from support.tree import tree as write_tree

PAGES = sorted([*REPOSITORY.glob("*.md"), *(path for path in DOCS.rglob("*.md"))])
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
TREE_BLOCK = re.compile(r"^```yaml tree\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_LINE = re.compile(r"^# file: (\S+)\n", re.MULTILINE)


def test_every_setting_is_documented() -> None:
    page = (DOCS / "operations.md").read_text(encoding="utf-8")
    documented = set(re.findall(rf"^\| `({PREFIX}[A-Z_]+)`", page, re.MULTILINE))
    settings = {PREFIX + name.upper() for name in Settings.model_fields}

    check(
        settings ^ documented,
        why="an operator must find each setting, and no setting that does not exist",
        what="bring the settings table of docs/operations.md in line with clinx.settings.Settings.",
    )


def test_every_metric_is_documented() -> None:
    page = (DOCS / "operations.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(clinx_[a-z_]+)`", page, re.MULTILINE))

    check(
        _scraped_names() ^ documented,
        why="a figure nobody can read up is a figure nobody can alert on",
        what="bring the metrics table of docs/operations.md in line with clinx.telemetry.metrics.Metrics.",
    )


def _scraped_names() -> set[str]:
    """The names as a scrape shows them: counters end in ``_total``."""
    families = Metrics().registry.collect()
    return {family.name + ("_total" if family.type == "counter" else "") for family in families}


def test_every_event_is_documented() -> None:
    page = (DOCS / "operations.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([a-z_]+\.[a-z_]+)`", page, re.MULTILINE))

    check(
        _logged_events() ^ documented,
        why="a line in the log must be found in the documentation by its name",
        what="bring the events table of docs/operations.md in line with the calls of `log` in the sources.",
    )


def _logged_events() -> set[str]:
    """The constants of the shape ``noun.verb`` that are handed to a logger (or chosen between, for one)."""
    calls = (node for module in modules() for node in ast.walk(module.tree) if isinstance(node, ast.Call))
    logged = (event for call in calls if (event := _event(call)) is not None)
    constants = (node.value for event in logged for node in ast.walk(event) if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str)}


def _event(call: ast.Call) -> ast.expr | None:
    """What ``log.info(event, …)`` or ``say(log, event, …)`` names."""
    match call:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="log")), args=[event, *_]):
            return event
        case ast.Call(func=ast.Name(id="say"), args=[ast.Name(id="log"), event, *_]):
            return event
        case _:
            return None


def test_every_command_and_option_is_documented() -> None:
    sections = _sections(DOCS / "cli.md")
    commands = {f"clinx {command.name}": command for command in _commands()}

    check(
        commands.keys() ^ {title for title in sections if title.startswith("clinx ")},
        why="a command that is not in docs/cli.md is found by accident",
        what="give each command a `## clinx <command>` heading there, and remove what is gone.",
    )
    check(
        (
            f"{title}: {option}"
            for title, command in commands.items()
            for option in command.options
            if f"`{option}" not in sections[title]
        ),
        why="an option that is not documented is not an option",
        what="describe it, in backticks, under the command's heading in docs/cli.md.",
    )


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    options: tuple[str, ...]


def _commands() -> Iterator[Command]:
    for path in sorted((PACKAGE / "cli").glob("*.py")):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        if any(_called(call) == "set_defaults" for call in calls):
            yield Command(path.stem.strip("_"), tuple(_options(calls)))


def _options(calls: list[ast.Call]) -> Iterator[str]:
    for call in calls:
        if _called(call) == "add_argument" and call.args and isinstance(call.args[0], ast.Constant):
            name = str(call.args[0].value)
            if name.startswith("--"):
                yield name


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _sections(page: Path) -> dict[str, str]:
    _, *parts = re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {title.strip().strip("`"): body for title, _, body in (part.partition("\n") for part in parts)}


def test_links_lead_somewhere() -> None:
    check(
        (
            f"{page.relative_to(REPOSITORY)}: {target}"
            for page in PAGES
            for target in LINK.findall(page.read_text(encoding="utf-8"))
            if not _resolves(page, target)
        ),
        why="a reader follows a link once",
        what="mend the path, or the heading after #.",
    )


def test_every_page_is_in_the_index() -> None:
    linked = set(LINK.findall((DOCS / "index.md").read_text(encoding="utf-8")))

    check(
        {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} - linked - {"index.md"},
        why="a page nobody links to is not read, and rots",
        what="link it from docs/index.md.",
    )


def _resolves(page: Path, target: str) -> bool:
    if re.match(r"[a-z]+:", target):
        return True
    path, _, anchor = target.partition("#")
    linked = (page.parent / path).resolve() if path else page
    if not linked.exists():
        return False
    return not anchor or anchor in _anchors(linked)


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


FENCE = re.compile(r"^```yaml(?: (\w+))?$", re.MULTILINE)
RULES_BLOCK = re.compile(r"^```yaml rules\n(.*?)^```\n(?:\n```yaml tests\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)

RULES_TREE = """\
version: 1
groups: {default: {}, vip: {}}
models:
  gpt-4o: {price: {input: "2.50", output: "10.00", per: 1M}, max_output: 16384}
  o3-mini: {price: {input: "1.10", output: "4.40", per: 1M}, max_output: 16384}
  text-embedding-3-small: {price: {input: "0.02", per: 1M}}
channels:
  - name: openai-eu
    provider: echo
    models: [gpt-4o, o3-mini, text-embedding-3-small]
    groups: [default, vip]
    tags: [eu]
  - {name: openai-us, provider: echo, models: [gpt-4o], groups: [default, vip], tags: [us, cheap]}
"""
"""What the rules shown in the documentation are about."""


def test_every_example_of_a_tree_is_run() -> None:
    check(
        (
            f"{page.relative_to(REPOSITORY)}: ```yaml {kind}".rstrip()
            for page in PAGES
            for kind in FENCE.findall(page.read_text(encoding="utf-8"))
            if kind not in {"tree", "rules", "tests"}
        ),
        why="an example that nobody runs is wrong sooner or later",
        what="say what it is: a whole tree, rules, or (right under rules) tests of them.",
    )


def _rule_blocks() -> list[tuple[str, str, str]]:
    return [
        (f"{page.relative_to(REPOSITORY)}:{number}", rules, tests)
        for page in PAGES
        for number, (rules, tests) in enumerate(RULES_BLOCK.findall(page.read_text(encoding="utf-8")), 1)
    ]


@pytest.mark.parametrize(("where", "rules", "tests"), _rule_blocks())
def test_the_rules_in_the_documentation_do_what_is_said_under_them(
    where: str, rules: str, tests: str, tmp_path: Path
) -> None:
    files = {"gateway.yaml": RULES_TREE, "policies/rules.yaml": rules, "policies/tests/rules.yaml": tests or "[]"}
    tree = read_tree(write_tree(tmp_path, files), default_tree())
    secrets = SecretResolver({}, tmp_path, ())

    snapshot = compile_tree(tree, secrets=secrets, dialects=DIALECTS, at=datetime.now(UTC)).snapshot

    assert try_tree(snapshot, tree).findings == (), where


def _tree_blocks() -> list[tuple[str, str]]:
    return [
        (f"{page.relative_to(REPOSITORY)}:{number}", block)
        for page in PAGES
        for number, block in enumerate(TREE_BLOCK.findall(page.read_text(encoding="utf-8")), 1)
    ]


@pytest.mark.parametrize(("where", "block"), _tree_blocks())
def test_the_trees_in_the_documentation_compile(
    where: str, block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in _files(block).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    code = main(["check", str(tmp_path), "--secrets", "placeholders"])

    assert code == 0, f"{where} shows a tree that does not compile:\n{''.join(capsys.readouterr())}"


def test_the_console_of_the_example_compiles_where_it_is_uncommented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    example = (REPOSITORY / "gateway.yaml").read_text(encoding="utf-8")
    shown = re.sub(
        r"^# console:\n(?:#   .*\n)+",
        lambda section: re.sub(r"^# ", "", section[0], flags=re.MULTILINE),
        example,
        flags=re.MULTILINE,
    )
    assert shown != example
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path, {"gateway.yaml": shown})

    code = main(["check", str(tmp_path)])

    assert code == 0, "".join(capsys.readouterr())


def _files(block: str) -> dict[str, str]:
    """One gateway.yaml, or the files that ``# file: path`` lines begin, beside a root document that says nothing."""
    first, *rest = FILE_LINE.split(block)
    files = dict(zip(rest[::2], rest[1::2], strict=True))
    return {"gateway.yaml": first if first.strip() else "version: 1\n", **files}
