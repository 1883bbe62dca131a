import dataclasses

import pytest

from support.database import request_log


def test_a_log_is_a_value():
    assert request_log("req-1") == request_log("req-1")
    with pytest.raises(dataclasses.FrozenInstanceError):
        request_log("req-1").id = "req-2"  # pyright: ignore[reportAttributeAccessIssue]  (that is the point)


def test_a_log_has_no_room_for_prompts_or_secrets():
    names = {field.name for field in dataclasses.fields(request_log("req-1"))}
    assert not names & {"prompt", "body", "messages", "secret", "key", "headers"}
