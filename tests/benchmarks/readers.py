"""How long a search of the gallery takes while nobody writes, and beside a writer and a rebuild."""

import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypedDict

import numpy as np

from models.gallery.gallery import Gallery
from models.gallery.keys import KeyDirectory
from models.gallery.protect import Protector
from models.types import Float32

FEATURES, ADDED, SEARCHES = 20_000, 2_500, 2_000


class Readers(TypedDict):
    """Milliseconds of one search."""

    beside: str
    features: int
    p50_ms: float
    p99_ms: float
    longest_ms: float


def readers() -> list[Readers]:
    """One reader: alone, then while a writer adds an eighth, forgets some, and the index is built anew and swapped."""
    random = np.random.default_rng(3)
    with TemporaryDirectory() as directory:
        protector = Protector(KeyDirectory.create(Path(directory, "keys")).template_key)
    gallery = Gallery(protector, impostor_mean=0.10, impostor_deviation=0.11)
    rows = [np.frombuffer(protector.protect(_unit(random)), np.uint8) for _ in range(FEATURES)]
    gallery.fill([(f"p{number}", "0") for number in range(FEATURES)], np.array(rows))
    gallery.rebuild()
    probes = [_unit(random) for _ in range(SEARCHES)]
    alone = _times_ms(gallery, probes)
    more = [protector.protect(_unit(random)) for _ in range(ADDED)]

    def write() -> None:
        for number, bits in enumerate(more):
            gallery.add(f"new{number}", "0", bits)
            if number % 10 == 0:
                gallery.forget(f"p{number}")
        gallery.rebuild()

    writer = threading.Thread(target=write)
    writer.start()
    beside: list[float] = []
    while writer.is_alive():
        beside += _times_ms(gallery, probes[:100])
    writer.join()
    return [_row("nobody", alone), _row("a writer and a rebuild", beside)]


def _times_ms(gallery: Gallery, probes: list[Float32]) -> list[float]:
    spent = []
    for probe in probes:
        begun = time.perf_counter()
        gallery.search(probe)
        spent.append(1000 * (time.perf_counter() - begun))
    return spent


def _row(beside: str, spent_ms: list[float]) -> Readers:
    p50, p99 = np.percentile(spent_ms, (50, 99))
    return Readers(
        beside=beside,
        features=FEATURES,
        p50_ms=round(float(p50), 3),
        p99_ms=round(float(p99), 3),
        longest_ms=round(max(spent_ms), 2),
    )


def _unit(random: np.random.Generator) -> Float32:
    vector = random.standard_normal(128).astype(np.float32)
    return vector / np.float32(np.linalg.norm(vector))
