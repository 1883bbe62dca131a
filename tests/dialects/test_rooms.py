from __future__ import annotations

import pytest

from clinx.dialects.base import Envelope
from clinx.dialects.body import JsonBody
from clinx.dialects.rooms import Rooms
from clinx.domain.catalog import Model, UsageInStream
from clinx.domain.operation import Operation
from clinx.domain.pricing import FREE
from clinx.errors import InternalError

ROOMS = Rooms()


@pytest.mark.parametrize("reported", UsageInStream)
def test_nothing_is_changed_for_usage_that_comes_unasked(reported: UsageInStream) -> None:
    envelope = Envelope("d", Operation.CHAT, "m", True, JsonBody.parse(b"{}"), None, 1, 0, False)

    assert ROOMS.stream_patches(envelope, reported) == {}


def test_what_there_is_no_endpoint_for_is_not_answered() -> None:
    model = Model("m", FREE)

    with pytest.raises(InternalError, match="not counted"):
        ROOMS.render_count(1)
    with pytest.raises(InternalError, match="not listed"):
        ROOMS.render_models([model])
    with pytest.raises(InternalError, match="not shown"):
        ROOMS.render_model(model)
