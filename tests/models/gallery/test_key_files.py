from pathlib import Path

import pytest

from models.errors import KeyDirectoryError
from models.gallery import key_files
from models.gallery.key_files import KINDS, Kind


@pytest.fixture
def path(tmp_path: Path) -> Path:
    key_files.create(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_that_is_added_is_one_more_file_that_only_its_owner_reads(path: Path, kind: Kind) -> None:
    before = {file: file.read_bytes() for file in path.iterdir()}
    added = key_files.add(path, kind)
    [new] = set(path.iterdir()) - set(before)
    assert new.name == f"{added}.json"
    assert new.stat().st_mode & 0o7777 == 0o600
    assert {file: file.read_bytes() for file in before} == before
    assert [key.file.serial for key in key_files.read(path).of(kind)] == [1, 2]


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_can_be_added_where_its_kind_is_missing(path: Path, kind: Kind) -> None:
    [key] = key_files.read(path).of(kind)
    (path / f"{key.file.id}.json").unlink()
    added = key_files.add(path, kind)
    assert [(key.file.id, key.file.serial) for key in key_files.read(path).of(kind)] == [(added, 1)]


def test_a_directory_that_cannot_be_written_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(key_files.tempfile, "mkstemp", refused)
    with pytest.raises(KeyDirectoryError, match="expected to write there, found Read-only file system"):
        key_files.add(path, "template")
    with pytest.raises(KeyDirectoryError, match="found Read-only file system"):
        key_files.remove(path, key_files.read(path).of("signing")[0])
    assert len(key_files.read(path).keys) == 3


def test_a_writing_that_fails_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(path.iterdir())

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(key_files.os, "fsync", full)
    with pytest.raises(KeyDirectoryError, match="No space left"):
        key_files.add(path, "account")
    assert set(path.iterdir()) == before


def test_files_in_the_making_are_not_read(path: Path) -> None:
    (path / ".ak-00000000.json-abc").write_text("half of a key")
    assert len(key_files.read(path).keys) == 3


def test_of_a_signing_key_the_public_half_stays(path: Path) -> None:
    [key] = key_files.read(path).of("signing")
    key_files.remove(path, key)
    left = key_files.read(path)
    assert left.of("signing") == []
    assert list(left.revoked) == [key.file.id]
    [kept] = path.glob("*.pub")
    assert kept.stat().st_mode & 0o7777 == 0o600
    assert key.file.secret not in kept.read_bytes()


@pytest.mark.parametrize("kind", ["template", "account"])
def test_of_the_others_nothing_stays(path: Path, kind: Kind) -> None:
    [key] = key_files.read(path).of(kind)
    key_files.remove(path, key)
    assert not [file for file in path.iterdir() if key.file.id in file.name]
    assert key_files.read(path).revoked == {}


def test_an_altered_public_half_is_refused(path: Path) -> None:
    keys = key_files.read(path).of("signing")
    key_files.remove(path, keys[0])
    other = key_files.add(path, "signing")
    key_files.remove(path, key_files.read(path).of("signing")[0])
    kept, [moved] = path / f"{other}.pub", [file for file in path.glob("*.pub") if file.stem != other]
    kept.replace(moved)
    with pytest.raises(KeyDirectoryError, match=f"expected the key of that name, found {other}"):
        key_files.read(path)


@pytest.mark.parametrize("content", ["", "{}", '{"format": 1, "public": "AAAA"}'])
def test_what_is_no_public_key_is_refused(path: Path, content: str) -> None:
    [key] = key_files.read(path).of("signing")
    key_files.remove(path, key)
    (path / f"{key.file.id}.pub").write_text(content)
    with pytest.raises(KeyDirectoryError, match="expected a public key of format 1, found another"):
        key_files.read(path)
