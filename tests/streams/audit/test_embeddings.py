import json

import numpy as np
import pytest

from streams.audit.embeddings import looks_like_embedding

VECTOR = np.random.default_rng(5).normal(size=128)
UNIT = VECTOR / np.linalg.norm(VECTOR)


@pytest.mark.parametrize(
    "raw",
    [
        UNIT.astype("<f4").tobytes(),
        UNIT.astype("<f8").tobytes(),
        (5 * UNIT).astype("<f4").tobytes(),
        json.dumps({"embedding": [round(float(number), 4) for number in UNIT]}).encode(),
    ],
)
def test_numbers_of_an_embedding_are_seen(raw: bytes) -> None:
    assert looks_like_embedding(raw)


@pytest.mark.parametrize(
    "raw", [b"", bytes(512), np.random.default_rng(6).bytes(157), b'{"landmarks":[[0.1,0.2],[0.3,0.4]]}']
)
def test_other_bytes_are_not(raw: bytes) -> None:
    assert not looks_like_embedding(raw)
