from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from clinx.cli import schema


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    schema.add_parser(parser.add_subparsers())
    args = parser.parse_args(["schema", *arguments])
    return args.run(args)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert run(*arguments) == 0
    return json.loads(capsys.readouterr().out)


def test_the_gateway_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    document = printed(capsys)

    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert document["additionalProperties"] is False
    assert list(document["properties"]) == [
        "version", "include", "currency", "groups", "models", "profiles", "channels", "server",
        "invitations", "payments", "console", "rollout",
    ]  # fmt: skip


def test_keys_carry_the_names_and_descriptions_that_operators_see(capsys: pytest.CaptureFixture[str]) -> None:
    definitions = printed(capsys, "gateway")["$defs"]

    assert "if" in definitions["PriceCase"]["properties"]
    assert definitions["ChannelShape"]["properties"]["priority"]["description"] == "Higher is tried first."
    assert definitions["ChannelShape"]["required"] == ["name"]


def test_every_key_of_every_document_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    for name in schema.SHAPES:
        document = printed(capsys, name)
        for title, shape in {name: document, **document["$defs"]}.items():
            for key, described in shape.get("properties", {}).items():
                # A reference is described where it leads.
                assert described.get("description") or "$ref" in described, f"{title}.{key}"


def test_all_are_written_to_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--write", str(tmp_path / "new")) == 0

    written = {path.name: path.read_text() for path in (tmp_path / "new").iterdir()}
    assert written == {f"{name}.schema.json": schema.schema_text(name) for name in schema.SHAPES}
    assert capsys.readouterr().out.count("\n") == len(schema.SHAPES)
