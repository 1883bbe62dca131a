from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clinx.accounts.keys import FILE, Keys, load_key

GIVEN = "0123456789abcdef0123456789abcdef"


def test_each_use_has_a_key_of_its_own(tmp_path: Path):
    keys = load_key(tmp_path, GIVEN)

    assert len({keys.sealing, keys.cursors, keys.links}) == 3
    assert {len(key) for key in (keys.sealing, keys.cursors, keys.links)} == {32}
    assert load_key(tmp_path / "elsewhere", GIVEN) == keys
    assert load_key(tmp_path, GIVEN.upper()) != keys
    assert list(tmp_path.iterdir()) == []


def test_derived_keys_never_change():
    assert Keys.derive(GIVEN.encode()).sealing.hex()[:16] == "ae7047dffc2d95e3"


def test_a_key_that_can_be_guessed_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="at least 32 characters"):
        load_key(tmp_path, "short")


@pytest.mark.parametrize("given", [None, ""])
def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path, given: str | None):
    folder = tmp_path / "state"

    keys = load_key(folder, given)

    assert load_key(folder, given) == keys
    assert [path.name for path in folder.iterdir()] == [FILE]
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert load_key(tmp_path / "other", given) != keys


def test_processes_that_start_at_once_have_the_same_key(tmp_path: Path):
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: load_key(tmp_path, None), range(32)))

    assert set(found) == {load_key(tmp_path, None)}
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_file_without_a_key_is_not_overwritten(tmp_path: Path):
    (tmp_path / FILE).write_text("")

    with pytest.raises(ValueError, match="holds no key"):
        load_key(tmp_path, None)
    assert (tmp_path / FILE).read_text() == ""


def test_keys_are_not_shown(tmp_path: Path):
    assert repr(load_key(tmp_path, GIVEN)) == "Keys()"
