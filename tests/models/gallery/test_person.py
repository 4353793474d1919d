import msgspec
import pytest

from models.errors import SealError
from models.gallery.person import PersonSecret

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
