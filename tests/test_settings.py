from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from clinx.settings import Settings, Worker, unknown_variables


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"CLINX_{name.upper()}", raising=False)


def test_without_an_environment_everything_has_a_default() -> None:
    assert Settings().model_dump() == {
        "root": Path(),
        "state_dir": Path(".clinx"),
        "journal_sync": "10ms",
        "overdraft_bound": Decimal(1),
        "database_url": "",
        "log_database_url": "",
        "redis": "",
        "console": True,
        "console_schema": "operators",
        "console_key": "",
        "workers": 1,
        "host": "127.0.0.1",
        "port": 8787,
        "max_connections": 10_000,
        "log_format": "json",
        "log_level": "info",
        "shutdown_grace": 120.0,
        "watch": True,
        "poll_seconds": 2.0,
        "env_prefixes": "OPENAI_,AZURE_,ANTHROPIC_,GEMINI_,GOOGLE_,CLINX_SECRET_,UPSTREAM_,EPAY_,STRIPE_",
        "ops_token": "",
    }


def test_the_environment_is_read_and_what_the_command_line_gives_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINX_PORT", "9000")
    monkeypatch.setenv("CLINX_ROOT", "/etc/clinx")
    monkeypatch.setenv("CLINX_WATCH", "false")
    monkeypatch.setenv("CLINX_LOG_FORMAT", "text")
    monkeypatch.setenv("CLINX_SHUTDOWN_GRACE", "2.5")

    settings = Settings(port=0)

    assert (settings.port, settings.root, settings.watch) == (0, Path("/etc/clinx"), False)
    assert (settings.log_format, settings.shutdown_grace) == ("text", 2.5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "http"),
        ("port", "-1"),
        ("port", "65536"),
        ("port", ""),
        ("max_connections", "0"),
        ("log_format", "xml"),
        ("log_level", "loud"),
        ("shutdown_grace", "-1"),
        ("shutdown_grace", "nan"),
        ("poll_seconds", "0"),
        ("watch", "perhaps"),
    ],
)
def test_a_value_that_is_none_names_its_setting(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"CLINX_{name.upper()}", value)

    with pytest.raises(ValidationError) as caught:
        Settings()

    assert [fault["loc"] for fault in caught.value.errors()] == [(name,)]


def test_a_setting_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"prot": 9000})


def test_settings_do_not_change_while_the_process_runs() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # pyright: ignore[reportAttributeAccessIssue]  (frozen: that is the point)


def test_the_database_is_a_file_in_the_state_folder_unless_another_is_named() -> None:
    state = Path("/var/lib/clinx")

    assert Settings(state_dir=state).database == "sqlite:////var/lib/clinx/clinx.db"
    assert Settings(state_dir=Path("state")).database == "sqlite:///state/clinx.db"
    assert Settings(state_dir=state, database_url="postgres://db/clinx").database == "postgres://db/clinx"


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_variables_that_are_no_setting_are_found() -> None:
    environment = {
        "CLINX_PORT": "1",
        "CLINX_PROT": "1",
        "CLINX_": "1",
        "CLINX_port": "1",
        "CLINX_SECRET_ACME": "not a setting, but a secret of the tree",
        "CLINX_TEST_POSTGRES_URL": "the test suite's own",
        "PORT": "1",
        "XCLINX_PORT": "1",
    }

    assert unknown_variables(environment) == ["CLINX_", "CLINX_PROT", "CLINX_port"]
    assert unknown_variables({f"CLINX_{name.upper()}": "" for name in Settings.model_fields}) == []


def test_a_worker_hears_what_it_was_told() -> None:
    worker = Worker(3, 8, 17, greets=False, folder=Path("/tmp/clinx of mine"))  # noqa: S108  (a name, not a file)

    assert Worker.heard(worker.told()) == worker
    assert Worker.heard({}) is None


def test_the_password_of_redis_is_not_shown() -> None:
    assert "secret" not in repr(Settings(redis="redis://:secret@127.0.0.1/0"))
