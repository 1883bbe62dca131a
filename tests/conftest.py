import pytest


@pytest.fixture(autouse=True)
def _upstream_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The secret that the trees of these tests refer to."""
    monkeypatch.setenv("UPSTREAM_KEY", "vendor-secret-0123456789")
