import pytest

from clinx.domain.template import Template


@pytest.mark.parametrize(
    ("text", "names", "rendered"),
    [
        ("plain", (), "plain"),
        ("", (), ""),
        ("Bearer {{ key }}", ("key",), "Bearer K"),
        ("{{key}}/{{ settings.region }}", ("key", "settings.region"), "K/eu"),
        ("{ not a hole }", (), "{ not a hole }"),
    ],
)
def test_holes_are_filled(text: str, names: tuple[str, ...], rendered: str):
    template = Template.parse(text)
    assert template.names == names
    assert template.render({"key": "K", "settings.region": "eu"}) == rendered


def test_a_value_is_never_read_as_a_template():
    assert Template.parse("{{ key }}").render({"key": "{{ model }}"}) == "{{ model }}"


@pytest.mark.parametrize("text", ["{{ key", "key }}", "{{ Key }}", "{{ a.b.c }}", "{{ a + b }}", "{{ f() }}", "{{}}"])
def test_braces_that_form_no_hole_are_refused(text: str):
    with pytest.raises(ValueError, match="not a template"):
        Template.parse(text)


def test_a_name_without_a_value_is_a_defect():
    with pytest.raises(KeyError):
        Template.parse("{{ key }}").render({})
