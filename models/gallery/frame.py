"""The keyed frame P: m rows in d dimensions, whose signs are what is stored of a face.

P must come out the same for ever on every machine, so it rests on nothing but SHA-256 and additions:

- Let D be the dimension, rounded up to a power of two (a shorter vector is padded with zeros at its end),
  H the D x D Hadamard matrix of Sylvester's order, m a multiple of D, and B = m / D the number of blocks.
- 3 m bits are drawn by HKDF-SHA256 (no salt; info: LABEL, then dimension and m as big-endian 32-bit numbers)
  from the template key, and read as B x 3 x D sign flips, highest bit of a byte first; a set bit means -1.
- Block b of P is H F2 H F1 H F0 with its three flips F0, F1, F2 on the diagonal. It stays unscaled: its rows are
  whole numbers, orthogonal, each of length D**1.5. Only signs are stored, and they do not feel the scale.

`rotate` does the 3 log2(D) rounds of additions in float64, in the order that `_hadamard` spells out: each addition
is one elementwise IEEE operation, so no library is free to sum in another order.
"""

import hashlib
import struct
from typing import Final

import numpy as np
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

LABEL: Final = b"facestreams frame 1"
DEFAULT_DIMENSION: Final = 128
DEFAULT_BITS: Final = 1024

MAX_BITS: Final = 21_760
"""HKDF-SHA256 gives 8,160 bytes at most, three bits a row."""

Float64 = NDArray[np.float64]


class Frame:
    """P for one template key, dimension and number of rows.

    padded_dimension: D, the power of two at or above `dimension`.
    rows: float32 (bits, dimension), P itself in whole numbers of at most D**2, hence exact; read-only.
    Any sum of some of a column's numbers stays below bits x D in size, which float32 holds exactly up to 2**24.
    Raises ValueError where `bits` is no multiple of D and of 8, or too large for that.
    """

    def __init__(self, secret: bytes, dimension: int = DEFAULT_DIMENSION, bits: int = DEFAULT_BITS) -> None:
        padded = 1 << max(0, dimension - 1).bit_length()
        if dimension < 2 or bits <= 0 or bits % padded or bits % 8:
            raise ValueError(f"bits: expected a multiple of 8 and of {padded} (dimension {dimension}), found {bits}")
        if bits > MAX_BITS or bits * padded > 1 << 24:
            raise ValueError(f"{bits} bits in {dimension} dimensions are more than this construction holds exactly")
        self.dimension = dimension
        self.bits = bits
        self.padded_dimension = padded
        self._flips = _flips(secret, dimension, bits, padded)
        images = self._turn(np.eye(padded)[:, np.newaxis, np.newaxis, :])
        self.rows = np.ascontiguousarray(images.reshape(padded, bits).T[:, :dimension], dtype=np.float32)
        self.rows.flags.writeable = False

    def rotate(self, vector: NDArray[np.floating]) -> Float64:
        """P x as float64 (bits,) for x (dimension,), the same to the last bit on every platform."""
        padded = np.zeros(self.padded_dimension)
        padded[: self.dimension] = vector
        return self._turn(padded[np.newaxis, np.newaxis, :]).reshape(self.bits)

    def checksum(self) -> str:
        """SHA-256 (hex) of LABEL, dimension, number of rows and P's rows as little-endian 32-bit integers."""
        digest = hashlib.sha256(_info(self.dimension, self.bits))
        digest.update(self.rows.astype("<i4").tobytes())
        return digest.hexdigest()

    def _turn(self, vectors: Float64) -> Float64:
        """H F2 H F1 H F0 of each vector (..., 1, D), for each block: (..., B, D)."""
        for step in range(3):
            vectors = _hadamard(vectors * self._flips[:, step, :])
        return vectors


def _hadamard(vectors: Float64) -> Float64:
    """H x along the last axis: neighbours first, then pairs twice as far apart in each round; sum before difference."""
    dimension = vectors.shape[-1]
    reach = 1
    while reach < dimension:
        pairs = vectors.reshape(*vectors.shape[:-1], dimension // (2 * reach), 2, reach)
        left, right = pairs[..., 0, :], pairs[..., 1, :]
        vectors = np.stack((left + right, left - right), axis=-2).reshape(vectors.shape)
        reach *= 2
    return vectors


def _flips(secret: bytes, dimension: int, bits: int, padded: int) -> Float64:
    drawn = HKDF(SHA256(), length=3 * bits // 8, salt=None, info=_info(dimension, bits)).derive(secret)
    ones = np.unpackbits(np.frombuffer(drawn, np.uint8), bitorder="big").astype(np.float64)
    flips: Float64 = (1 - 2 * ones).reshape(bits // padded, 3, padded)
    return flips


def _info(dimension: int, bits: int) -> bytes:
    return LABEL + struct.pack(">II", dimension, bits)
