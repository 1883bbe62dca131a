import pytest

from clinx.domain.request_log import RequestLog
from support.database import request_log


def test_a_log_is_a_value():
    assert request_log("req-1") == request_log("req-1")
    with pytest.raises(AttributeError):
        request_log("req-1").id = "req-2"  # pyright: ignore[reportAttributeAccessIssue]  (that is the point)


def test_a_log_has_no_room_for_prompts_or_secrets():
    names = set(RequestLog.__struct_fields__)
    assert not names & {"prompt", "body", "messages", "secret", "key", "headers"}
