from http import HTTPStatus

from clinx.graphql.refused import Refused


def test_a_refusal_keeps_what_is_answered() -> None:
    refused = Refused(HTTPStatus.FORBIDDEN, "origin_not_allowed", "No.")

    assert (refused.status, refused.code, refused.message, str(refused)) == (403, "origin_not_allowed", "No.", "No.")
