from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import SealError
from models.gallery.seal import derived_key, joined, open_bytes, seal, unseal
from models.gallery.statement import Statement

KEY = bytes(range(32))
BITS = bytes(range(128))
STATED = Statement(
    key_id="tk-1a2b3c4d",
    model_version="sface-2021dec",
    quality="0.81",
    consent="form-7",
    consent_basis="of_age",
    enrolled_at_ms="1700000000000",
)
PLACE = {"place": b"default/ada/1", "stated": STATED}


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
            bytes.fromhex("01a587e359677add8cbd0e1711c29d28be3695a0ec920b1d8e75335bac6b3d390f99c36f83e5c9d7466bf2b27c"),
            **PLACE,
        )
        == b"0123456789abcdef"
    )


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"place": b"default/ada/2"},
        {"stated": replace(STATED, key_id="tk-00000000")},
        {"stated": replace(STATED, model_version="sface-2022")},
        {"stated": replace(STATED, quality="0.8")},
        {"stated": replace(STATED, consent="form-8")},
        {"stated": replace(STATED, consent="")},
        {"stated": replace(STATED, consent_basis="guardian")},
        {"stated": replace(STATED, enrolled_at_ms="1700000000001")},
        {"stated": replace(STATED, consent="of_age", consent_basis="form-7")},
        {"stated": replace(STATED, consent="form-7of", consent_basis="_age")},
        {"place": b"default/ada/1t", "stated": replace(STATED, key_id="k-1a2b3c4d")},
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
