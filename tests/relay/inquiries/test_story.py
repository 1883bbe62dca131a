from __future__ import annotations

from clinx.relay.inquiries.story import Story, joined


def test_a_label_stands_before_its_first_line_only() -> None:
    story = Story()
    story.tell("first", "one", "two")
    story.tell("silent")

    assert str(story) == "first     one\n          two"


def test_what_is_not_there_is_not_joined() -> None:
    assert joined(["a", None, "", "b"]) == "a, b"
