from clinx.domain.inquiry import InquiryError


def test_what_cannot_be_answered_has_a_code_a_path_and_what_belongs_into_words() -> None:
    error = InquiryError("too_many", "At most 3.", "documents", "0", most=3)

    assert (error.code, str(error), error.message, error.path, error.parameters) == (
        "too_many",
        "At most 3.",
        "At most 3.",
        ("documents", "0"),
        {"most": 3},
    )
