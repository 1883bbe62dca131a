import pytest
from hypothesis import HealthCheck, settings

from clinx.storage import postgres, sqlite

# How long a draw takes is the machine's business: what is slow shows in `--durations`, and is no failure.
settings.register_profile("clinx", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("clinx")


@pytest.fixture(autouse=True)
def _upstream_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The secret that the trees of these tests refer to."""
    monkeypatch.setenv("UPSTREAM_KEY", "vendor-secret-0123456789")


@pytest.fixture(autouse=True)
def _no_wait_for_the_disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy disk would be taken for a database that is away; only a loss of power would tell the difference."""
    if "power_loss" not in request.node.name:
        monkeypatch.setitem(sqlite.PRAGMAS, "synchronous", "OFF")


@pytest.fixture(autouse=True)
def _patience_with_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    """On two busy cores a server may take seconds to make a connection; what it is to mean, its own tests say."""
    monkeypatch.setattr(postgres, "ACQUIRE_SECONDS", 5.0)
