"""The frame is a promise for ever: it is compared with a second, slow construction and with frozen values."""

import hashlib
import hmac
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.gallery.frame import Frame

SECRET = bytes(range(32))


def by_hand(secret: bytes, dimension: int, bits: int, vector: list[int]) -> list[int]:
    """P x in whole numbers: HKDF from HMAC, Hadamard entries from the parity of row AND column."""
    padded = 1 << max(0, dimension - 1).bit_length()
    key = hmac.digest(bytes(32), secret, "sha256")
    info = b"facestreams frame 1" + struct.pack(">II", dimension, bits)
    stream, last = b"", b""
    while len(stream) < 3 * bits // 8:
        last = hmac.digest(key, last + info + bytes([len(stream) // 32 + 1]), "sha256")
        stream += last
    signs = [1 - 2 * (byte >> (7 - bit) & 1) for byte in stream[: 3 * bits // 8] for bit in range(8)]
    result = []
    for block in range(bits // padded):
        x = vector + [0] * (padded - dimension)
        for step in range(3):
            at = (block * 3 + step) * padded
            x = [value * sign for value, sign in zip(x, signs[at : at + padded], strict=True)]
            x = [sum(x[j] * (-1) ** (i & j).bit_count() for j in range(padded)) for i in range(padded)]
        result += x
    return result


@pytest.mark.parametrize(("dimension", "bits"), [(2, 8), (16, 64), (20, 64), (128, 128)])
def test_equals_the_construction_by_hand(dimension: int, bits: int) -> None:
    vector = [(i * 37) % 101 - 50 for i in range(dimension)]
    expected = by_hand(SECRET, dimension, bits, vector)
    frame = Frame(SECRET, dimension, bits)
    assert frame.rotate(np.array(vector, np.float32)).tolist() == expected
    assert (frame.rows.astype(np.int64) @ vector).tolist() == expected


def test_frozen_checksum() -> None:
    assert Frame(SECRET).checksum() == "0a333b735f7828cf43adfe0475861b9834e0b048fe223efd25704903753f18d5"


def test_checksum_is_of_the_rows() -> None:
    frame = Frame(SECRET, 16, 32)
    rows = b"".join(struct.pack("<i", int(number)) for number in frame.rows.ravel())
    expected = hashlib.sha256(b"facestreams frame 1" + struct.pack(">II", 16, 32) + rows).hexdigest()
    assert frame.checksum() == expected


def test_each_block_is_orthogonal_with_rows_of_one_length() -> None:
    rows = Frame(SECRET, 128, 256).rows.astype(np.float64)
    for block in (rows[:128], rows[128:]):
        np.testing.assert_array_equal(block @ block.T, 128**3 * np.eye(128))


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_another_key_is_another_frame(one: bytes, other: bytes) -> None:
    assert (Frame(one, 16, 32).checksum() == Frame(other, 16, 32).checksum()) == (one == other)


def test_sizes_and_lengths_are_part_of_the_key() -> None:
    assert not np.array_equal(Frame(SECRET, 128, 128).rows, Frame(SECRET, 128, 256).rows[:128])


@pytest.mark.parametrize(("dimension", "bits"), [(128, 1000), (128, 0), (1, 8), (4, 12), (128, 32_768), (8192, 8192)])
def test_refuses_sizes_that_it_cannot_hold(dimension: int, bits: int) -> None:
    with pytest.raises(ValueError, match="bits"):
        Frame(SECRET, dimension, bits)


def test_holds_arcface_embeddings() -> None:
    assert Frame(SECRET, 512, 1024).rows.shape == (1024, 512)
