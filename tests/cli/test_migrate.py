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
        "nothing to do: the schema is up to date\n"
        "the schema is up to date\n"
    )
