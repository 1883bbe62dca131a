import pytest

from clinx.cli import main


def test_migrating_and_looking(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setenv("CLINX_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("CLINX_DATABASE_URL", raising=False)

    assert main(["migrate"]) == 0
    assert main(["migrate"]) == 0
    assert main(["migrate", "--status"]) == 0

    assert capsys.readouterr().out == (
        "applied 0001_initial\napplied 0002_append_only\napplied 0003_leases_and_money\napplied 0004_asked_model\n"
        "applied 0005_overrides_and_revisions\napplied 0006_kept_answers\napplied 0007_refused_by\n"
        "applied 0008_console_accounts\napplied 0009_rollups\napplied 0010_notices\napplied 0011_audit_log\n"
        "applied 0012_stopped_tokens\napplied 0013_cost\napplied 0014_adjustments\napplied 0015_moves\n"
        "nothing to do: the schema is up to date\n"
        "the schema is up to date\n"
    )


def test_a_database_for_logs_is_migrated_as_well(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path
):
    monkeypatch.setenv("CLINX_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("CLINX_DATABASE_URL", raising=False)
    assert main(["migrate"]) == 0
    capsys.readouterr()
    monkeypatch.setenv("CLINX_LOG_DATABASE_URL", f"sqlite:///{tmp_path / 'logs.db'}")

    assert main(["migrate"]) == 0
    assert capsys.readouterr().out.startswith("applied 0001_initial\n")
    assert main(["migrate", "--status"]) == 0
