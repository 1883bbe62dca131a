from __future__ import annotations

from clinx.cli.explain_origin import as_json, as_text
from clinx.config.nodes import Mark
from clinx.config.provenance import Origin, Said

FOUND = Origin("channels.a.weight", "0", (Said("override 3", None, "0"), Said("channels.a", Mark("g.yaml", 3, 5), "2")))


def test_the_value_stands_before_the_places_that_say_it() -> None:
    assert as_text(FOUND, [("${env:KEY}", "0a1b2c3d")], "no database").splitlines() == [
        "channels.a.weight = 0",
        "  override 3: 0",
        "  g.yaml:3:5 channels.a: 2",
        "  ${env:KEY} is 0a1b2c3d",
        "  overrides were not looked at: no database",
    ]


def test_a_map_is_written_once() -> None:
    said = Said("channels.a", Mark("g.yaml", 3, 5), '{"connect":"3s"}')

    assert as_text(Origin("channels.a.timeouts", '{"connect":"3s"}', (said,)), [], None).splitlines() == [
        'channels.a.timeouts = {"connect":"3s"}',
        "  g.yaml:3:5 channels.a",
    ]


def test_programs_are_told_the_same() -> None:
    said = as_json(FOUND, [], None)

    assert (said["path"], said["value"]) == ("channels.a.weight", "0")
    assert said["chain"][1] == {"who": "channels.a", "file": "g.yaml", "line": 3, "column": 5, "value": "2"}
