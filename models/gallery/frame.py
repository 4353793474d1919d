"""The keyed frame P: m rows in d dimensions, whose signs are what is stored of a face.

P must come out the same for ever on every machine, so it rests on nothing but SHAKE-256 and arithmetic whose every
step IEEE 754 defines (float64: sums in a spelt-out order, products, quotients, square roots, one after the other):

- Let D be the dimension, rounded up to a power of two (a shorter vector is padded with zeros at its end),
  m a multiple of D, and B = m / D the number of blocks.
- 8 m D bytes are drawn by SHAKE-256 from LABEL, dimension and m (big-endian 32-bit numbers) and the template key.
  They are B x D x D numbers: each the sum of eight bytes less 1020, which is nearly normal with mean 0.
- In each block the D rows of D numbers are made orthogonal and of length 1, one after the other (modified
  Gram-Schmidt: a row is scaled, then its share is taken out of each row after it).
- P is the result times SCALE, rounded to whole numbers, a half to the even one. Its rows are orthogonal and of one
  length to within the rounding, a few thousandths. Only signs are stored, and they do not feel the scale.

No part of P follows from another, and that matters: a frame of Hadamard matrices and keyed sign flips, which is
cheaper and as accurate, has 3 unknown bits a row, and 16 to 30 known pairs of embedding and string give it away
whole, in a second, by descent along a gradient (tests/benchmarks/templates/structured.py). This one has D unknown
numbers a row. From 30 pairs the best attack known to us comes to a cosine of 0.66 of another embedding, from 200 to
0.91 (tests/benchmarks/templates/attacks.py): that the strings keep distances is enough for it, whatever the frame.
"""

import hashlib
import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

LABEL: Final = b"facestreams frame 2"
DEFAULT_DIMENSION: Final = 128
DEFAULT_BITS: Final = 1024

SCALE: Final = 4096
LEAST_DIMENSION: Final = 8
"""Below, two rows that are drawn could be parallel by chance."""

MOST_DIMENSIONS: Final = 2048
_BYTES_A_NUMBER: Final = 8
_MEAN: Final = _BYTES_A_NUMBER * 255 // 2

Float64 = NDArray[np.float64]


class Frame:
    """P for one template key, dimension and number of rows.

    padded_dimension: D, the power of two at or above `dimension`.
    rows: float32 (bits, dimension), P itself in whole numbers of at most SCALE, hence exact; read-only.
    Any sum of some of a column's numbers stays below bits x SCALE / sqrt(D) in size, twice over within the 2**24 up
    to which float32 holds whole numbers exactly.
    Raises ValueError where `bits` is no multiple of D and of 8, or too large for that.
    """

    def __init__(self, secret: bytes, dimension: int = DEFAULT_DIMENSION, bits: int = DEFAULT_BITS) -> None:
        padded = 1 << max(0, dimension - 1).bit_length()
        if bits <= 0 or bits % padded or bits % 8:
            raise ValueError(f"bits: expected a multiple of 8 and of {padded} (dimension {dimension}), found {bits}")
        if not LEAST_DIMENSION <= dimension <= MOST_DIMENSIONS or (2 * bits * SCALE) ** 2 > padded << 48:
            raise ValueError(f"{bits} bits in {dimension} dimensions: this construction cannot hold them exactly")
        self.dimension = dimension
        self.bits = bits
        self.padded_dimension = padded
        blocks = _drawn(secret, dimension, bits, padded)
        _make_orthogonal(blocks)
        whole = np.rint(blocks * SCALE).reshape(bits, padded)[:, :dimension]
        self.rows = np.ascontiguousarray(whole, dtype=np.float32)
        self.rows.flags.writeable = False

    def rotate(self, vector: NDArray[np.floating]) -> Float64:
        """P x as float64 (bits,) for x (dimension,), the same to the last bit on every platform."""
        products = np.zeros((self.bits, self.padded_dimension))
        products[:, : self.dimension] = self.rows * vector.astype(np.float64)
        return _summed(products)

    def checksum(self) -> str:
        """SHA-256 (hex) of LABEL, dimension, number of rows and P's rows as little-endian 32-bit integers."""
        digest = hashlib.sha256(_named(self.dimension, self.bits))
        digest.update(self.rows.astype("<i4").tobytes())
        return digest.hexdigest()


def _drawn(secret: bytes, dimension: int, bits: int, padded: int) -> Float64:
    stream = hashlib.shake_256(_named(dimension, bits) + secret).digest(_BYTES_A_NUMBER * bits * padded)
    numbers = np.frombuffer(stream, np.uint8).reshape(bits // padded, padded, padded, _BYTES_A_NUMBER)
    drawn: Float64 = numbers.sum(axis=-1, dtype=np.int64).astype(np.float64) - _MEAN
    return drawn


def _make_orthogonal(blocks: Float64) -> None:
    """Modified Gram-Schmidt over the rows of each block (B, D, D), in place."""
    for row in range(blocks.shape[1]):
        current = blocks[:, row : row + 1]
        current /= np.sqrt(_summed(current * current))[..., np.newaxis]
        later = blocks[:, row + 1 :]
        later -= _summed(later * current)[..., np.newaxis] * current


def _summed(numbers: Float64) -> Float64:
    """The sum along the last axis, whose length is a power of two: the first half and the second, until one is left.

    Each addition is one elementwise operation, so that no library is free to sum in another order.
    """
    while (length := numbers.shape[-1]) > 1:
        numbers = numbers[..., : length // 2] + numbers[..., length // 2 :]
    total: Float64 = numbers[..., 0]
    return total


def _named(dimension: int, bits: int) -> bytes:
    return LABEL + struct.pack(">II", dimension, bits)
