import base64
import json
import re
from pathlib import Path

import pytest

from models.errors import KeyDirectoryError, SealError
from models.gallery import key_files
from models.gallery.frame import Frame
from models.gallery.key_files import KINDS, Kind
from models.gallery.keys import KeyDirectory, wrapping_key_id
from models.gallery.signing import verify


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "accounts" / "acme"


@pytest.fixture
def keys(path: Path) -> KeyDirectory:
    return KeyDirectory.create(path)


def file_of(keys: KeyDirectory, key_id: str) -> Path:
    return keys.path / f"{key_id}.json"


def rewrite(file: Path, **changes: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def one_line(error: pytest.ExceptionInfo[KeyDirectoryError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert "expected" in text
    assert "found" in text
    return text


def test_create_draws_one_key_of_each_kind(path: Path, keys: KeyDirectory) -> None:
    assert re.fullmatch(r"tk-[0-9a-f]{8}", keys.template_key.id)
    assert re.fullmatch(r"ak-[0-9a-f]{8}", keys.account_key_id)
    assert len(keys.template_key.secret) == 32
    assert [(key.id, key.kind, key.active) for key in keys.list_keys()] == [
        (keys.template_key.id, "template", True),
        (keys.account_key_id, "account", True),
        (keys.signing_key_id, "signing", True),
    ]
    for key in keys.list_keys():
        assert key.created_at_ms == file_of(keys, key.id).stat().st_mtime_ns // 1_000_000
    assert [entry.name for entry in path.parent.iterdir()] == ["acme"]


def test_modes(path: Path, keys: KeyDirectory) -> None:
    assert path.stat().st_mode & 0o7777 == 0o700
    assert {file.stat().st_mode & 0o7777 for file in path.iterdir()} == {0o600}


def test_open_gives_the_same_keys(keys: KeyDirectory) -> None:
    again = KeyDirectory.open(keys.path)
    assert again.template_key == keys.template_key
    assert again.account_key_id == keys.account_key_id
    assert again.snapshot_key() == keys.snapshot_key()
    assert again.pseudonym("default", "ada") == keys.pseudonym("default", "ada")


def test_create_takes_an_empty_directory_but_no_other(path: Path) -> None:
    path.mkdir(parents=True)
    first = KeyDirectory.create(path)
    with pytest.raises(KeyDirectoryError) as error:
        KeyDirectory.create(path)
    one_line(error)
    assert KeyDirectory.open(path).template_key == first.template_key
    assert [entry.name for entry in path.parent.iterdir()] == ["acme"]


def test_create_says_what_stands_in_its_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "keys"):
        with pytest.raises(KeyDirectoryError) as error:
            KeyDirectory.create(path)
        assert "found Not a directory" in one_line(error) or "found File exists" in one_line(error)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o701])
def test_refuses_a_directory_that_others_may_read(keys: KeyDirectory, mode: int) -> None:
    keys.path.chmod(mode)
    with pytest.raises(KeyDirectoryError) as error:
        KeyDirectory.open(keys.path)
    assert f"expected mode 0700, found {mode:04o}: run chmod 700 {keys.path}" in one_line(error)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o700])
def test_refuses_a_file_that_others_may_read(keys: KeyDirectory, mode: int) -> None:
    file = file_of(keys, keys.account_key_id)
    file.chmod(mode)
    with pytest.raises(KeyDirectoryError) as error:
        KeyDirectory.open(keys.path)
    assert f"expected mode 0600, found {mode:04o}: run chmod 600 {file}" in one_line(error)


def test_refuses_a_missing_directory(path: Path) -> None:
    with pytest.raises(KeyDirectoryError) as error:
        KeyDirectory.open(path)
    assert str(path) in one_line(error)


def test_refuses_a_directory_without_one_kind(keys: KeyDirectory) -> None:
    file_of(keys, keys.template_key.id).unlink()
    with pytest.raises(KeyDirectoryError) as error:
        KeyDirectory.open(keys.path)
    assert "found account and signing" in one_line(error)
    assert one_line(error).endswith("facestreams keys new --kind template and enroll again")


def test_a_directory_of_an_older_version_is_told_how_it_gets_a_signing_key(keys: KeyDirectory) -> None:
    file_of(keys, keys.signing_key_id).unlink()
    with pytest.raises(KeyDirectoryError) as error:
        KeyDirectory.open(keys.path)
    assert one_line(error).endswith("or draw a new one with facestreams keys new --kind signing")
    added = key_files.add(keys.path, "signing")
    assert KeyDirectory.open(keys.path).signing_key_id == added != keys.signing_key_id


def test_refuses_another_frame(keys: KeyDirectory) -> None:
    file = file_of(keys, keys.template_key.id)
    assert json.loads(file.read_text())["frame_sha256"] == Frame(keys.template_key.secret).checksum()
    rewrite(file, frame_sha256="0" * 64)
    with pytest.raises(KeyDirectoryError) as error:
        KeyDirectory.open(keys.path)
    assert "expected a frame with checksum 0000000000000000" in one_line(error)


def test_refuses_an_altered_secret(keys: KeyDirectory) -> None:
    rewrite(file_of(keys, keys.account_key_id), secret=base64.b64encode(bytes(32)).decode())
    with pytest.raises(KeyDirectoryError, match="expected the key of that name, found ak-"):
        KeyDirectory.open(keys.path)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"secret": "c2VjcmV0"', '{"format": 2}', "\x00\xff"])
def test_refuses_what_is_no_key_file_without_quoting_it(keys: KeyDirectory, content: str) -> None:
    file_of(keys, keys.account_key_id).write_text(content, encoding="latin-1")
    with pytest.raises(KeyDirectoryError) as error:
        KeyDirectory.open(keys.path)
    assert "c2VjcmV0" not in one_line(error)
    assert error.value.__cause__ is None
    assert error.value.__context__ is None


def test_nothing_of_a_key_shows(keys: KeyDirectory) -> None:
    shown = repr(keys) + repr(keys.template_key) + repr(keys.list_keys()) + repr(keys._files)
    for file in keys.path.iterdir():
        secret = base64.b64decode(json.loads(file.read_text())["secret"])
        for form in (secret.hex(), base64.b64encode(secret).decode(), repr(secret)[2:-1]):
            assert form not in shown
        assert secret.hex()[:8] not in file.name


def test_a_new_account_key_is_the_active_one_and_old_wrappings_still_open(keys: KeyDirectory) -> None:
    wrapped = keys.wrap(b"k" * 32, place=b"default/ada")
    later = keys.add("account")
    both = KeyDirectory.open(keys.path)
    assert both.account_key_id == later != keys.account_key_id
    assert [(key.id, key.active) for key in both.list_keys()] == [
        (keys.template_key.id, True),
        (keys.account_key_id, False),
        (later, True),
        (keys.signing_key_id, True),
    ]
    assert (wrapping_key_id(wrapped), wrapping_key_id(both.wrap(b"k", place=b""))) == (keys.account_key_id, later)
    assert both.snapshot_key() != keys.snapshot_key()
    assert both.unwrap(wrapped, place=b"default/ada") == b"k" * 32
    with pytest.raises(SealError, match="not in the key directory"):
        keys.unwrap(both.wrap(b"k" * 32, place=b"default/ada"), place=b"default/ada")


def test_wraps_a_data_key_for_its_place(keys: KeyDirectory) -> None:
    data_key = keys.new_data_key()
    assert len(data_key) == 32
    assert data_key != keys.new_data_key()
    wrapped = keys.wrap(data_key, place=b"default/ada")
    assert data_key not in wrapped
    assert keys.unwrap(wrapped, place=b"default/ada") == data_key
    with pytest.raises(SealError):
        keys.unwrap(wrapped, place=b"default/bob")


@pytest.mark.parametrize("wrapped", [b"", b"\x00", b"\x0bak-", b"\xff" * 80])
def test_refuses_what_was_never_wrapped(keys: KeyDirectory, wrapped: bytes) -> None:
    with pytest.raises(SealError):
        keys.unwrap(wrapped, place=b"default/ada")


def test_pseudonyms(keys: KeyDirectory, tmp_path: Path) -> None:
    ada = keys.pseudonym("default", "ada")
    assert re.fullmatch(r"[0-9a-f]{32}", ada)
    others = [keys.pseudonym("default", "bob"), keys.pseudonym("defaulta", "da"), keys.pseudonym("", "defaultada")]
    elsewhere = KeyDirectory.create(tmp_path / "other").pseudonym("default", "ada")
    assert len({ada, *others, elsewhere}) == 5


def test_a_pseudonym_without_a_gallery_stands_for_the_person_in_each(keys: KeyDirectory) -> None:
    everywhere = keys.pseudonym(None, "ada")
    assert everywhere not in {keys.pseudonym("default", "ada"), keys.pseudonym("", "ada"), keys.pseudonym(None, "bob")}
    assert keys.pseudonyms("vip", "ada") == (keys.pseudonym("vip", "ada"), everywhere)
    assert keys.pseudonyms(None, "ada") == (everywhere,)
    assert keys.is_pseudonym(everywhere, "vip", "ada")
    assert not keys.is_pseudonym(everywhere, "vip", "bob")
    assert not keys.is_pseudonym(keys.pseudonym("vip", "ada"), None, "ada")


def test_a_pseudonym_of_an_older_account_key_is_known_until_that_key_is_revoked(keys: KeyDirectory) -> None:
    old, old_everywhere = keys.pseudonym("default", "ada"), keys.pseudonym(None, "ada")
    keys.add("account")
    both = KeyDirectory.open(keys.path)
    new = both.pseudonym("default", "ada")
    assert both.pseudonyms("default", "ada") == (old, new, old_everywhere, both.pseudonym(None, "ada"))
    assert both.is_pseudonym(old, "default", "ada")
    assert both.is_pseudonym(new, "default", "ada")
    assert not both.is_pseudonym(new, "default", "bob")
    assert not both.is_pseudonym("ä", "default", "ada")
    both.revoke(keys.account_key_id)
    assert not KeyDirectory.open(keys.path).is_pseudonym(old, "default", "ada")


def test_signs_with_the_active_key_and_old_signatures_verify_after_its_revocation(keys: KeyDirectory) -> None:
    old_id, old_signature = keys.sign(b"receipt")
    assert (old_id, len(old_signature)) == (keys.signing_key_id, 64)
    keys.add("signing")
    both = KeyDirectory.open(keys.path)
    new_id, new_signature = both.sign(b"receipt")
    both.revoke(old_id)
    left = KeyDirectory.open(keys.path)
    assert [key.id for key in left.list_keys() if key.kind == "signing"] == [new_id]
    publics = left.verify_keys()
    assert set(publics) == {old_id, new_id}
    assert verify(publics[old_id], b"receipt", old_signature)
    assert verify(publics[new_id], b"receipt", new_signature)
    assert not verify(publics[new_id], b"receipt", old_signature)


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_key_of_a_kind_is_not_revoked(keys: KeyDirectory, kind: Kind) -> None:
    [key] = [key for key in keys.list_keys() if key.kind == kind]
    with pytest.raises(KeyDirectoryError) as error:
        keys.revoke(key.id)
    assert one_line(error).endswith(f"run facestreams keys new --kind {kind} first")
    assert file_of(keys, key.id).exists()


def test_what_is_no_key_is_not_revoked(keys: KeyDirectory) -> None:
    with pytest.raises(KeyDirectoryError) as error:
        keys.revoke("ak-00000000")
    assert "found ak-00000000" in one_line(error)


def test_when_the_active_key_is_revoked_the_one_before_it_is_active_again(keys: KeyDirectory) -> None:
    newer = keys.add("template")
    KeyDirectory.open(keys.path).revoke(newer)
    left = KeyDirectory.open(keys.path)
    assert left.template_keys() == (keys.template_key,)
    assert left.template_key == keys.template_key


def test_of_two_keys_drawn_at_once_every_reader_takes_the_same(keys: KeyDirectory) -> None:
    added = [keys.add("template"), keys.add("template")]
    rewrite(file_of(keys, added[1]), serial=2)
    assert KeyDirectory.open(keys.path).template_key.id == max(added)


@pytest.mark.parametrize("wrapped", [b"", b"\x00ak", b"\x02\xff\xff"])
def test_no_account_key_is_named_where_none_stands(wrapped: bytes) -> None:
    assert wrapping_key_id(wrapped) is None
