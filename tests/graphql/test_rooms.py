from dataclasses import replace

import pytest

from clinx.graphql.errors import Refusal
from support.operations import Api


@pytest.mark.parametrize(("part", "missing"), [("accounts", "desk"), ("running", "engine"), ("live", "hub")])
async def test_what_is_not_there_is_unavailable(api: Api, part: str, missing: str) -> None:
    services = replace(api.services, **{missing: None})

    with pytest.raises(Refusal) as caught:
        getattr(services, part)

    assert (caught.value.extensions or {})["code"] == "unavailable"


async def test_what_is_there_is_handed_out(api: Api) -> None:
    assert api.services.accounts is api.services.desk
