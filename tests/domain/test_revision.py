from clinx.domain.revision import SILENT, Served
from support.database import START


def test_a_process_that_says_nothing_for_long_is_gone() -> None:
    served = Served(
        "node", "host", "url", "r", None, START, ok=True, tree="r", diagnostics=(), error=None, seen_at=START
    )

    assert served.is_alive(START)
    assert not served.is_alive(START + SILENT)
