"""``clinx schema``: JSON Schema of the tree's documents, for editors, and the schema of the console's API."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from clinx.config.policy_schema import PolicyFileShape
from clinx.config.policy_tests import PolicyTestsShape
from clinx.config.provider_schema import ProviderShape
from clinx.config.schema import GatewayShape

SHAPES: Final[Mapping[str, type[BaseModel]]] = {
    "gateway": GatewayShape,
    "provider": ProviderShape,
    "policy": PolicyFileShape,
    "policy-tests": PolicyTestsShape,
}

GRAPHQL: Final = "graphql"
"""What ``schema.graphql`` holds."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:  # pyright: ignore[reportPrivateUsage]  (argparse has no public name for it)
    """Add the command."""
    parser = commands.add_parser("schema")
    parser.add_argument("document", nargs="?", choices=[*SHAPES, GRAPHQL], default="gateway", help="which document")
    parser.add_argument("--write", type=Path, metavar="DIR", help="write every <document>.schema.json there instead")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print one schema, or write all."""
    if args.write is None:
        print(_graphql() if args.document == GRAPHQL else schema_text(args.document), end="")
        return 0
    folder: Path = args.write
    folder.mkdir(parents=True, exist_ok=True)
    for name in SHAPES:
        path = folder / f"{name}.schema.json"
        path.write_text(schema_text(name), encoding="utf-8")
        print(path)
    return 0


def _graphql() -> str:
    from clinx.graphql.schema import printed  # noqa: PLC0415  (slow to import, and nobody else here needs it)

    return printed()


def schema_text(document: str) -> str:
    """Return the JSON Schema (2020-12) of a document, as the file that is checked in."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **SHAPES[document].model_json_schema(by_alias=True),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
