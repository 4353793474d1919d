"""With an account's key directory, what stands on face-features opens, and nothing that was made of it does."""

from dataclasses import dataclass, replace

import pytest

from models.gallery.keys import KeyDirectory
from models.gallery.person import PersonSecret
from models.gallery.seal import seal
from models.gallery.statement import Statement
from streams.cli.opening import opener
from streams.wire.feature_keys import FeatureKey

PERSON = FeatureKey("default", "0a" * 16)
PLACE = replace(PERSON, feature_id="f1").encode()
STATED = Statement(
    key_id="tk-1", model_version="sface", quality="0.81", consent="form 7", consent_basis="of_age", enrolled_at_ms="5"
)


@dataclass(frozen=True)
class Record:
    """As aiokafka gives a record."""

    headers: tuple[tuple[str, bytes | None], ...]
    value: bytes | None
    key: bytes | None = PLACE
    partition: int = 0


@pytest.fixture
def keys(tmp_path) -> KeyDirectory:
    return KeyDirectory.create(tmp_path / "keys")


def stated(**other: str) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, text.encode()) for name, text in (STATED.texts() | other).items())


def test_a_key_opens_and_so_does_a_feature_with_the_headers_that_it_was_enrolled_with(keys, tmp_path) -> None:
    data_key = keys.new_data_key()
    wrapped = keys.wrap(PersonSecret(data_key, "ada").encode(), place=PERSON.encode())
    found = opener(keys)(wrapped, PERSON.encode())
    assert found is not None
    assert (found.person_id, found.data_key) == ("ada", data_key)
    whole = Record(stated(), seal(data_key, b"b" * 128, place=PLACE, stated=STATED))
    assert found.opens(whole)
    assert [
        found.opens(replace(whole, **other))
        for other in (
            {"headers": stated(consent="form 8")},
            {"headers": stated()[:-1]},
            {"headers": ()},
            {"value": b""},
            {"key": PERSON.encode()},
        )
    ] == [False] * 5
    assert opener(KeyDirectory.create(tmp_path / "others"))(wrapped, PERSON.encode()) is None
