import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from clinx.storage.database import Database
from clinx.storage.failures import StorageUnavailable
from clinx.storage.migrate import migrate
from clinx.storage.serving import is_shared, serving_alone
from support.database import make_user


def test_a_second_gateway_on_a_file_is_refused_and_told_who_has_it(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'state' / 'clinx.db'}"
    with serving_alone(url):
        with pytest.raises(StorageUnavailable) as caught, serving_alone(url):
            pytest.fail("two gateways serve")
        assert str(caught.value) == (
            f"{tmp_path / 'state' / 'clinx.db'} is in use by another gateway (pid {os.getpid()})"
        )

    with serving_alone(url):
        pass


def test_gateways_on_different_files_do_not_meet(tmp_path: Path):
    with serving_alone(f"sqlite:///{tmp_path / 'a.db'}"), serving_alone(f"sqlite:///{tmp_path / 'b.db'}"):
        assert not (tmp_path / "a.db").exists()


def test_the_lock_goes_with_its_process_however_that_ends(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'clinx.db'}"
    program = (
        "import sys\nfrom clinx.storage.serving import is_shared, serving_alone\n"
        f"with serving_alone({url!r}):\n    print('locked', flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(StorageUnavailable, match=rf"\(pid {other.pid}\)$"), serving_alone(url):
            pytest.fail("two gateways serve")
        other.kill()
        other.wait()

    with serving_alone(url):
        assert stat.S_IMODE((tmp_path / "clinx.db.gateway").stat().st_mode) == 0o600


async def test_commands_work_beside_a_gateway(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'clinx.db'}"
    with serving_alone(url):
        assert await migrate(url) != []
        database = await Database.connect(url)
        await make_user(database, "ann", balance="1")
        await database.close()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "clinx.db.gateway").mkdir()

    with (
        pytest.raises(StorageUnavailable, match=r"clinx\.db: File exists"),
        serving_alone(f"sqlite:///{tmp_path / 'file' / 'clinx.db'}"),
    ):
        pytest.fail("served from nowhere")
    with (
        pytest.raises(StorageUnavailable, match=r"clinx\.db: Is a directory"),
        serving_alone(f"sqlite:///{tmp_path / 'clinx.db'}"),
    ):
        pytest.fail("served without a lock")


def test_gateways_share_a_postgresql_database():
    with serving_alone("postgres://127.0.0.1:1/clinx"), serving_alone("postgres://127.0.0.1:1/clinx"):
        pass


def test_only_a_server_is_shared(tmp_path: Path):
    assert is_shared("postgres://clinx@db/clinx")
    assert not is_shared(f"sqlite:///{tmp_path / 'clinx.db'}")
