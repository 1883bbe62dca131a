from __future__ import annotations

from collections.abc import Mapping

from clinx.config.diagnostics import Diagnostic
from clinx.config.document import parse
from clinx.config.provider_context import ProviderContext, headers_of, templates
from clinx.config.provider_schema import ProviderShape
from clinx.domain.template import Template

NONE: frozenset[str] = frozenset()


def context(text: str) -> ProviderContext:
    root = parse("a.yaml", text.encode()).root
    assert root is not None
    return ProviderContext(root, ProviderShape.model_validate(root.plain()), (), [])


def said(found: list[Diagnostic]) -> list[str]:
    return [str(each) for each in found]


def test_a_text_with_holes_is_read_over_what_is_known_there() -> None:
    here = context("{provider: a, settings: {team: {}}, auth: {query: {t: x}}}")
    texts: Mapping[str, str] = {"t": "{{ settings.team }}/{{ key }}"}

    made = dict(templates(here, ("auth", "query"), texts, frozenset({"key"})))

    assert made == {"t": Template.parse("{{ settings.team }}/{{ key }}")}
    assert here.found == []


def test_what_is_no_template_is_found_and_stood_in_for() -> None:
    here = context("{provider: a, auth: {query: {t: x, u: y}}}")

    made = dict(templates(here, ("auth", "query"), {"t": "{{ nobody }}", "u": "{{"}, NONE))

    assert made == {"t": Template(("",)), "u": Template(("",))}
    assert said(here.found) == [
        'a.yaml:1:33 E211 unknown name "nobody" in a template (known here: nothing)',
        'a.yaml:1:39 E303 "u" is not a template (a hole is {{ name }})',
    ]


def test_a_setting_that_may_have_been_left_out_is_not_missed() -> None:
    here = context("{provider: a, auth: {query: {t: x}}}")
    here.is_rest = True

    assert dict(templates(here, ("auth", "query"), {"t": "{{ settings.team }}"}, NONE)) == {"t": Template(("",))}
    assert here.found == []


def test_a_header_of_the_connection_is_nobodys_to_set() -> None:
    here = context("{provider: a, auth: {headers: {Host: x, X-A: y}}}")

    made = dict(headers_of(here, ("auth", "headers"), here.shape.auth.headers, NONE))

    assert made == {"Host": Template.parse("x"), "X-A": Template.parse("y")}
    assert said(here.found) == ['a.yaml:1:32 E303 header "Host" belongs to the connection']
