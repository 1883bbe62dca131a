import pytest

from clinx.domain.console import Language
from clinx.domain.letter import Letter
from clinx.domain.names import unlinked
from clinx.mail.catalogue import CATALOGUES, check, compose
from clinx.mail.template import PERSON, Code, Lines, Link, Template

PARAMETERS = {
    "verify_email": {"name", "link", "code"},
    "reset_password": {"name", "link"},
    "email_changed": {"name", "email"},
    "password_changed": {"name"},
    "low_balance": {"name", "balance", "threshold", "link"},
    "channel_opened": {"channel", "credential", "model", "reason"},
    "reload_failed": {"revision", "diagnostics"},
}


def _shape(template: Template) -> list[tuple[str, str]]:
    return [(type(block).__name__, "" if isinstance(block, str) else block.of) for block in template.blocks]


@pytest.mark.parametrize("language", Language)
def test_every_language_has_every_letter_with_the_same_parameters(language: Language):
    found = {name: {*each.required, *each.optional} for name, each in CATALOGUES[language].items()}

    assert found == PARAMETERS


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_language_says_the_same_in_the_same_order(name: str):
    english, *others = (CATALOGUES[language][name] for language in (Language.ENGLISH, Language.CHINESE))

    for other in others:
        assert _shape(other) == _shape(english)
        assert (other.required, other.optional) == (english.required, english.optional)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", PARAMETERS)
def test_every_value_is_shown_in_both_bodies(name: str, language: Language):
    values = {each: f"https://{each}.example" for each in PARAMETERS[name]}
    letter = Letter("ann@example.com", name, language, values)
    check(letter)
    writing = compose(letter, "Example AI")

    assert "Example AI" in writing.subject
    values |= {PERSON: unlinked(values[PERSON])} if PERSON in values else {}
    for value in values.values():
        assert value in writing.text
        assert value in writing.html
    for body in (writing.subject, writing.text, writing.html):
        assert "{" not in body


def test_no_two_languages_are_the_same():
    letters = [CATALOGUES[language] for language in Language]

    for name in PARAMETERS:
        assert len({each[name].subject for each in letters}) == len(letters)
        labels = [[b.label for b in each[name].blocks if isinstance(b, Link | Code)] for each in letters]
        assert labels[0] == [] or labels[0] != labels[1]


def test_only_blocks_of_their_own_are_optional():
    for catalogue in CATALOGUES.values():
        for name, template in catalogue.items():
            assert template.optional <= {"link", "code", "diagnostics"}, name
            assert all(isinstance(block, str | Link | Code | Lines) for block in template.blocks)


def test_a_letter_that_nobody_wrote_is_refused():
    letter = Letter("ann@example.com", "love", Language.ENGLISH, {})

    with pytest.raises(ValueError, match=r"^there is no letter 'love'$"):
        check(letter)
    with pytest.raises(ValueError, match=r"^there is no letter 'love'$"):
        compose(letter, "Example AI")


def test_a_letter_that_lacks_a_value_is_refused_but_not_one_without_a_link():
    with pytest.raises(ValueError, match=r"^letter 'email_changed' lacks values: email, name$"):
        check(Letter("ann@example.com", "email_changed", Language.ENGLISH, {"link": "x"}))

    check(Letter("ann@example.com", "reset_password", Language.ENGLISH, {"name": "Ann"}))
