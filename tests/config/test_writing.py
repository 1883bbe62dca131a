import os
from pathlib import Path

import pytest

from clinx.config.writing import write_whole


def test_a_file_is_replaced_and_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_bytes(b"old")
    path.chmod(0o640)

    write_whole(path, b"new")

    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["gateway.yaml"]  # noqa: PTH208  (names are all that counts)


def test_a_symlink_goes_on_leading_where_it_led(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.yaml").write_bytes(b"old")
    (tmp_path / "a.yaml").symlink_to("real/a.yaml")

    write_whole(tmp_path / "a.yaml", b"new")

    assert (tmp_path / "a.yaml").is_symlink()
    assert (tmp_path / "real" / "a.yaml").read_bytes() == b"new"


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").mkdir()

    with pytest.raises(OSError):
        write_whole(tmp_path / "a.yaml", b"new")

    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]
