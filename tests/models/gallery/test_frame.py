"""The frame is a promise for ever: it is compared with a second, slow construction and with frozen values."""

import hashlib
import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.gallery.frame import SCALE, Frame

SECRET = bytes(range(32))


def by_hand(secret: bytes, dimension: int, bits: int) -> list[list[int]]:
    """P's rows in whole numbers, with Python's own floats; what belongs to the padding is left out."""
    padded = 1 << (dimension - 1).bit_length()
    head = b"facestreams frame 2" + struct.pack(">II", dimension, bits)
    stream = hashlib.shake_256(head + secret).digest(8 * bits * padded)
    numbers = [float(sum(stream[at : at + 8]) - 1020) for at in range(0, len(stream), 8)]
    drawn = [numbers[at : at + padded] for at in range(0, len(numbers), padded)]
    result = []
    for block in range(bits // padded):
        rows = drawn[block * padded : (block + 1) * padded]
        for at, row in enumerate(rows):
            length = math.sqrt(halves([x * x for x in row]))
            row[:] = [x / length for x in row]
            for later in rows[at + 1 :]:
                share = halves([x * y for x, y in zip(later, row, strict=True)])
                later[:] = [x - share * y for x, y in zip(later, row, strict=True)]
        result += [[round(x * 4096) for x in row[:dimension]] for row in rows]
    return result


def halves(numbers: list[float]) -> float:
    if len(numbers) == 1:
        return numbers[0]
    middle = len(numbers) // 2
    return halves([x + y for x, y in zip(numbers[:middle], numbers[middle:], strict=True)])


@pytest.mark.parametrize(("dimension", "bits"), [(8, 8), (16, 64), (20, 64), (128, 128)])
def test_equals_the_construction_by_hand(dimension: int, bits: int) -> None:
    vector = [(i * 37) % 101 - 50 for i in range(dimension)]
    expected = by_hand(SECRET, dimension, bits)
    frame = Frame(SECRET, dimension, bits)
    assert frame.rows.tolist() == expected
    assert frame.rotate(np.array(vector, np.float32)).tolist() == (np.array(expected) @ vector).tolist()


def test_rotates_in_the_order_that_is_written_down() -> None:
    # numbers so unlike in size that another order of summation gives another result
    vector = np.float32(10.0) ** np.arange(-8, 8, dtype=np.float32)
    frame = Frame(SECRET, 16, 16)
    expected = [halves([float(p) * float(x) for p, x in zip(row, vector, strict=True)]) for row in frame.rows]
    assert frame.rotate(vector).tolist() == expected


def test_frozen_checksum() -> None:
    assert Frame(SECRET).checksum() == "c6fabb31b33adbaa5c1f36a4ad480d1316926f21a42adea7ff2b881c11d0e85d"


def test_checksum_is_of_the_rows() -> None:
    frame = Frame(SECRET, 16, 32)
    rows = b"".join(struct.pack("<i", int(number)) for number in frame.rows.ravel())
    expected = hashlib.sha256(b"facestreams frame 2" + struct.pack(">II", 16, 32) + rows).hexdigest()
    assert frame.checksum() == expected


def test_each_block_is_orthogonal_with_rows_of_one_length() -> None:
    rows = Frame(SECRET, 128, 256).rows / np.float64(SCALE)
    for block in (rows[:128], rows[128:]):
        np.testing.assert_allclose(block @ block.T, np.eye(128), atol=0.002)


def test_no_column_leaves_what_float32_holds_exactly() -> None:
    assert np.abs(Frame(SECRET, 8, 5792).rows).sum(axis=0, dtype=np.float64).max() <= 1 << 24


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_another_key_is_another_frame(one: bytes, other: bytes) -> None:
    assert (Frame(one, 16, 32).checksum() == Frame(other, 16, 32).checksum()) == (one == other)


def test_sizes_and_lengths_are_part_of_the_key() -> None:
    assert not np.array_equal(Frame(SECRET, 128, 128).rows, Frame(SECRET, 128, 256).rows[:128])


@pytest.mark.parametrize(("dimension", "bits"), [(128, 1000), (128, 0), (4, 8), (8, 12), (128, 32_768), (4096, 4096)])
def test_refuses_sizes_that_it_cannot_hold(dimension: int, bits: int) -> None:
    with pytest.raises(ValueError, match="bits"):
        Frame(SECRET, dimension, bits)


def test_holds_arcface_embeddings() -> None:
    assert Frame(SECRET, 512, 1024).rows.shape == (1024, 512)
