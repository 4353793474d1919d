from pathlib import Path

import msgspec
import pytest

from models.errors import SealError
from models.gallery.keys import KeyDirectory
from models.gallery.person import PersonSecret, opened

KEY = bytes(range(32))


@pytest.mark.parametrize("person_id", ["a", "zoë", "a" * 40, "ü" * 128])
def test_what_was_encoded_is_read_again(person_id: str) -> None:
    secret = PersonSecret(KEY, person_id)
    assert PersonSecret.decode(secret.encode()) == secret


def test_the_length_tells_nothing_of_a_persons_id() -> None:
    assert {len(PersonSecret(KEY, "a" * length).encode()) for length in range(1, 41)} == {128}
    assert len(PersonSecret(KEY, "a" * 256).encode()) % 128 == 0


@pytest.mark.parametrize("raw", [b"", b"x", msgspec.msgpack.encode({"data_key": KEY}), msgspec.msgpack.encode([KEY])])
def test_anything_else_is_no_secret(raw: bytes) -> None:
    with pytest.raises(SealError):
        PersonSecret.decode(raw)


def test_nothing_of_it_shows() -> None:
    assert repr(PersonSecret(KEY, "ada")) == "PersonSecret(...)"


def test_a_key_record_opens_with_its_keys_in_its_place_alone(tmp_path: Path) -> None:
    keys, others = (KeyDirectory.create(tmp_path / name) for name in ("ours", "others"))
    secret = PersonSecret(KEY, "ada")
    wrapped = keys.wrap(secret.encode(), place=b"default/1")
    assert opened(keys, b"default/1", wrapped) == secret
    assert opened(keys, b"default/2", wrapped) is None
    assert opened(others, b"default/1", wrapped) is None
    assert opened(keys, b"default/1", keys.wrap(b"no secret", place=b"default/1")) is None
