from clinx.billing.operations import Resolution


def test_the_words_of_a_resolution_are_stable():
    assert [resolution.value for resolution in Resolution] == [
        "settled",
        "settled_late",
        "released",
        "already",
        "unknown",
    ]
