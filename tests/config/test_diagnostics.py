from __future__ import annotations

import json
import re
from pathlib import Path

from clinx.config.diagnostics import CODES, ConfigError, Diagnostic, Severity, did_you_mean, errors, ordered, render

DOCS = Path(__file__).parents[2] / "docs" / "configuration.md"
ROOMS = [Path(__file__).parents[2] / "src" / "clinx" / room for room in ("config", "relay")]
"""Those that find something in a tree: what its tests say is known only where exchanges are rehearsed."""

ERROR = Diagnostic("providers/acme.yaml", 3, 13, "E204", 'unknown dialect "opnai"', 'did you mean "openai_chat"?')
WARNING = Diagnostic("a,b:c.yaml", 1, 1, "W205", "100% odd\nname")


def test_text_is_one_line_each() -> None:
    assert render([ERROR, WARNING], "text") == (
        'providers/acme.yaml:3:13 E204 unknown dialect "opnai" (did you mean "openai_chat"?)\n'
        "a,b:c.yaml:1:1 W205 100% odd\nname"
    )


def test_json_is_one_array() -> None:
    assert json.loads(render([ERROR], "json")) == [
        {
            "file": "providers/acme.yaml",
            "line": 3,
            "column": 13,
            "code": "E204",
            "message": 'unknown dialect "opnai"',
            "hint": 'did you mean "openai_chat"?',
            "severity": "error",
        }
    ]
    assert json.loads(render([], "json")) == []


def test_github_annotations_escape_what_would_end_them() -> None:
    assert render([ERROR, WARNING], "github").splitlines() == [
        (
            "::error file=providers/acme.yaml,line=3,col=13,title=E204::"
            'unknown dialect "opnai" (did you mean "openai_chat"?)'
        ),
        "::warning file=a%2Cb%3Ac.yaml,line=1,col=1,title=W205::100%25 odd%0Aname",
    ]


def test_an_error_holds_its_findings_in_order_and_once() -> None:
    error = ConfigError([ERROR, WARNING, ERROR])

    assert error.diagnostics == (WARNING, ERROR)
    assert str(error) == f"{WARNING}\n{ERROR}"


def test_the_letter_of_the_code_is_the_severity() -> None:
    assert (ERROR.severity, WARNING.severity) == (Severity.ERROR, Severity.WARNING)
    assert errors([WARNING, ERROR]) == (ERROR,)
    assert ordered([ERROR, ERROR]) == (ERROR,)


def test_a_hint_names_only_what_is_close() -> None:
    assert did_you_mean("opnai", ["openai", "azure"]) == 'did you mean "openai"?'
    assert did_you_mean("zzz", ["openai"]) is None
    assert did_you_mean("x" * 100_000, ["openai"]) is None


def test_every_code_is_documented_under_its_name_and_no_other_is() -> None:
    documented = re.findall(r"^### ([EW]\d+) (.+)$", DOCS.read_text(), re.MULTILINE)

    assert dict(documented) == CODES
    assert [code for code, _ in documented] == sorted(CODES, key=lambda code: (code[1:], code[0]))


def test_every_code_is_used_and_every_used_code_is_known() -> None:
    used = {
        code
        for room in ROOMS
        for path in room.glob("*.py")
        if path.name != "diagnostics.py"
        for code in re.findall(r'"([EW]\d{3})"', path.read_text())
    }

    assert used == set(CODES)
