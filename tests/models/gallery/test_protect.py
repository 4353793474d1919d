from collections.abc import Callable

import numpy as np
import pytest

from models.gallery.keys import TemplateKey
from models.gallery.protect import Protector
from models.types import Float32

GOLDEN_EMBEDDING = np.array([(i * 37) % 101 - 50 for i in range(128)], np.float32)
GOLDEN_BITS = (
    "949d1159f905874322c497685d11d16a1d44620cb206bab3982e6687fb0d6122"
    "01b2aa72fed9908345a432a96d7ae29acac21af64402b2ed72ca2fc36129d257"
    "43ec8dbb3a2fa64de2620eb9eb98c92172f4475367b5501eee2e72cd856429a9"
    "afb99db0ffd04959f2fb54eb9d77c0aae2827c4c7d65dcd24d9351e418ae7b3c"
)


def as_rows(*strings: bytes) -> np.ndarray:
    return np.frombuffer(b"".join(strings), np.uint8).reshape(len(strings), -1)


def test_golden_bits(protector: Protector) -> None:
    assert protector.protect(GOLDEN_EMBEDDING).hex() == GOLDEN_BITS


def test_length_of_the_embedding_does_not_count(protector: Protector) -> None:
    assert protector.protect(GOLDEN_EMBEDDING * np.float32(0.001953125)) == protector.protect(GOLDEN_EMBEDDING)


def test_first_row_is_the_highest_bit_and_a_zero_sum_is_a_one(template_key: TemplateKey) -> None:
    protector = Protector(template_key, dimension=8, bits=8)
    first = protector._frame.rows[3]
    embedding = np.array([first[1], -first[0], 0, 0, 0, 0, 0, 0], np.float32)
    sums = protector._frame.rotate(embedding)
    assert sums[3] == 0
    expected = sum(128 >> row for row, value in enumerate(sums) if value >= 0)
    assert protector.protect(embedding) == bytes([expected])
    # -0.0, too, is a one: minus the embedding flips every bit but those of the zero sums
    flipped = sum(128 >> row for row, value in enumerate(sums) if value <= 0)
    assert protector.protect(-embedding) == bytes([flipped])


def test_derived_vectors_are_exact(protector: Protector, unit: Callable[..., Float32]) -> None:
    strings = [protector.protect(x) for x in unit(1, 3)]
    signs = np.unpackbits(as_rows(*strings), axis=1).astype(np.int64) * 2 - 1
    whole = signs @ protector._frame.rows.astype(np.int64)
    np.testing.assert_array_equal(
        protector.derive(as_rows(*strings)), whole.astype(np.float32) * np.float32(protector._scale)
    )


def test_deriving_together_or_alone_is_the_same(protector: Protector, unit: Callable[..., Float32]) -> None:
    rows = as_rows(*(protector.protect(x) for x in unit(2, 5)))
    alone = np.concatenate([protector.derive(rows[i : i + 1]) for i in range(5)])
    np.testing.assert_array_equal(protector.derive(rows), alone)
    assert protector.derive(rows[:0]).shape == (0, 128)


@pytest.mark.parametrize(
    ("dimension", "bits", "deviation"), [(128, 1024, 0.0234), (128, 256, 0.048), (100, 1024, 0.024)]
)
@pytest.mark.parametrize("cosine", [0.0, 0.3, 0.6, 0.9, 1.0])
def test_estimates_the_cosine_without_bias(dimension: int, bits: int, deviation: float, cosine: float) -> None:
    rng = np.random.default_rng(7)
    estimates = []
    for _key in range(10):
        protector = Protector(TemplateKey("tk", rng.bytes(32)), dimension=dimension, bits=bits)
        for _ in range(20):
            x, other = np.linalg.qr(rng.normal(size=(dimension, 2)))[0].T
            probe = (cosine * x + np.sqrt(1 - cosine**2) * other).astype(np.float32)
            estimates.append(float(protector.derive(as_rows(protector.protect(x.astype(np.float32))))[0] @ probe))
    # 200 draws: the mean is known to a fourteenth of the deviation, taken four times
    assert np.mean(estimates) == pytest.approx(cosine, abs=4 * deviation / 14)
    assert np.std(estimates) < 1.25 * deviation


def test_another_key_tells_nothing(protector: Protector, unit: Callable[..., Float32]) -> None:
    other = Protector(TemplateKey("tk-other", bytes(32)))
    x = unit(3)
    assert abs(float(protector.derive(as_rows(other.protect(x)))[0] @ x)) < 0.12
    assert protector.checksum() != other.checksum()


@pytest.mark.parametrize(
    "embedding",
    [
        np.zeros(128, np.float32),
        np.full(128, np.nan, np.float32),
        np.full(128, np.inf, np.float32),
        np.ones(127, np.float32),
        np.ones(128, np.float64),
    ],
)
def test_refuses_what_is_no_embedding(protector: Protector, embedding: Float32) -> None:
    with pytest.raises(ValueError, match="embedding"):
        protector.protect(embedding)


def test_refuses_strings_of_another_length(protector: Protector) -> None:
    with pytest.raises(ValueError, match="bits_rows"):
        protector.derive(np.zeros((1, 64), np.uint8))
