import pytest

from clinx.domain.names import RESERVED_NAMES, looks_like_a_link, skeleton, skeletons, unlinked

WIDE_ADMIN = "\uff41\uff44\uff4d\uff49\uff4e"
WIDE_LINK = "evil\uff0ecom"


@pytest.mark.parametrize("name", ["Admin", "ADMIN", "a.d-m_i n", WIDE_ADMIN, " admin ", "+admin@"])
def test_however_it_is_written_a_name_has_one_skeleton(name: str) -> None:
    assert skeleton(name) == "admin"
    assert skeleton(name) in RESERVED_NAMES


def test_a_name_that_only_holds_a_reserved_one_is_another() -> None:
    assert not {skeleton(name) for name in ("badminton", "roots", "ann", "supportive")} & RESERVED_NAMES


def test_a_name_of_signs_alone_reserves_nothing() -> None:
    assert skeletons(["...", "Help Desk", "helpdesk"]) == {"helpdesk"}


@pytest.mark.parametrize(
    "name", ["http://x", "HTTPS://evil.example", "www.evil", "evil.com", "see evil.com/now", WIDE_LINK, "a.bc"]
)
def test_a_link_is_known_by_its_looks(name: str) -> None:
    assert looks_like_a_link(name)


@pytest.mark.parametrize(
    "name", ["", "Ann", "J. R. R. Tolkien", "Dr. Smith", "v1.2", "A.B.C.", "Ann: here", "1/2", "李明华"]
)
def test_names_of_people_are_no_links(name: str) -> None:
    assert not looks_like_a_link(name)


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("http://evil.com/x", "http:\u200b//evil.\u200bcom/x"),
        ("www.evil.com", "www.\u200bevil.\u200bcom"),
        ("J. R. R. Tolkien", "J. R. R. Tolkien"),
        ("Ann", "Ann"),
    ],
)
def test_a_broken_link_reads_the_same(name: str, broken: str) -> None:
    assert unlinked(name) == broken
    assert unlinked(name).replace("\u200b", "") == name
