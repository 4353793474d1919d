import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import SealError
from models.gallery.seal import derived_key, joined, open_bytes, seal, unseal

KEY = bytes(range(32))
BITS = bytes(range(128))
PLACE = {"place": b"default/ada/1", "key_id": "tk-1a2b3c4d", "model_version": "sface-2021dec"}


def test_opens_where_it_was_sealed() -> None:
    sealed = seal(KEY, BITS, **PLACE)
    assert sealed[:1] == b"\x01"
    assert len(sealed) == 1 + 12 + len(BITS) + 16
    assert unseal(KEY, sealed, **PLACE) == BITS


def test_each_sealing_differs_and_hides_the_bits() -> None:
    one, other = seal(KEY, BITS, **PLACE), seal(KEY, BITS, **PLACE)
    assert one != other
    assert BITS[:8] not in one


def test_frozen_string_still_opens() -> None:
    assert (
        unseal(
            KEY,
            bytes.fromhex("01d0660a0c11b36b7e809bf7deeedab61611bd3c09661c5c6c9c743c16793cd2b8cdc5f9c48548e0cae3def4f2"),
            **PLACE,
        )
        == b"0123456789abcdef"
    )


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"place": b"default/ada/2"},
        {"key_id": "tk-00000000"},
        {"model_version": "sface-2022"},
        {"place": b"default/ada/1t", "key_id": "k-1a2b3c4d"},
    ],
)
def test_does_not_open_elsewhere(elsewhere: dict[str, object]) -> None:
    with pytest.raises(SealError, match="does not open"):
        unseal(KEY, seal(KEY, BITS, **PLACE), **(PLACE | elsewhere))


def test_does_not_open_with_another_key() -> None:
    with pytest.raises(SealError, match="does not open"):
        unseal(bytes(32), seal(KEY, BITS, **PLACE), **PLACE)


@given(st.integers(0, 8 * (1 + 12 + 4 + 16) - 1))
def test_any_altered_bit_is_noticed(bit: int) -> None:
    sealed = bytearray(seal(KEY, b"bits", **PLACE))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SealError):
        unseal(KEY, bytes(sealed), **PLACE)


@given(st.binary(max_size=40))
def test_foreign_bytes_are_refused_in_words(sealed: bytes) -> None:
    with pytest.raises(SealError):
        open_bytes(KEY, sealed, b"")


@given(st.lists(st.binary(max_size=5), max_size=4), st.lists(st.binary(max_size=5), max_size=4))
def test_joining_is_unambiguous(one: list[bytes], other: list[bytes]) -> None:
    assert (joined(*one) == joined(*other)) == (one == other)


def test_a_key_for_each_purpose() -> None:
    keys = {derived_key(KEY, "wrap"), derived_key(KEY, "snapshot"), derived_key(bytes(32), "wrap"), KEY}
    assert len(keys) == 4
    assert derived_key(KEY, "wrap") == derived_key(KEY, "wrap")
    assert all(len(key) == 32 for key in keys)
