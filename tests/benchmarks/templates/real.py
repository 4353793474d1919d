"""Real embeddings: the seven people of the demo's film, and whoever stands in FACESTREAMS_BENCH_FACES."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from models.errors import PictureError
from models.packs import load_pack
from models.vision.decode import OpenCVDecoder
from streams.demo.film import CAMERAS, film
from streams.demo.truth import FrameTruth, who_is_at
from tests.benchmarks.templates.population import Float64, Population

DIRECTORY_VARIABLE: Final = "FACESTREAMS_BENCH_FACES"
VIEWS_OF_THE_CAST: Final = 12
VIEWS_OF_A_SET: Final = 4
SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp"})

Views = dict[str, list[Float64]]


class Eyes:
    """The default pack: faces of encoded pictures, with their embeddings."""

    def __init__(self, cache_dir: Path) -> None:
        pack = load_pack("opencv-zoo", cache_dir)
        self._decoder = OpenCVDecoder(max_bytes=1 << 26, max_pixels=1 << 26)
        self._detector, self._encoder = pack.detector(), pack.encoder()

    def faces(self, encoded: bytes) -> Iterator[tuple[tuple[float, float, float, float], Float64]]:
        """Box (left, top, width, height, as fractions of the picture) and embedding of each. Raises PictureError."""
        picture = self._decoder.decode(encoded)
        found = self._detector.detect(picture)
        embeddings = self._encoder.encode(picture, found.landmarks_xy_px).astype(np.float64)
        frame_wh = np.array([picture.width_px, picture.height_px])
        for box, embedding in zip(found.boxes_xyxy_px, embeddings, strict=True):
            left, top = box[:2] / frame_wh
            width, height = (box[2:] - box[:2]) / frame_wh
            yield (float(left), float(top), float(width), float(height)), embedding


def cast(eyes: Eyes) -> Population:
    """The film's people, in frames spread over the film: one picture each, seen by many cameras."""
    views: Views = defaultdict(list)
    for camera in CAMERAS:
        for number, frame in enumerate(film(camera)):
            if number % 5 == 0:
                _take(views, frame.truth, eyes, frame.jpeg)
    return _population("the film's people", views, VIEWS_OF_THE_CAST)


def directory(path: Path, eyes: Eyes) -> Population | None:
    """One folder a person; pictures that show one face. Persons with fewer than VIEWS_OF_A_SET are left out.

    None where that leaves fewer than two persons.
    """
    views: Views = defaultdict(list)
    for person in sorted(entry for entry in path.iterdir() if entry.is_dir()):
        for file in sorted(file for file in person.iterdir() if file.suffix.lower() in SUFFIXES):
            try:
                faces = list(eyes.faces(file.read_bytes()))
            except PictureError:
                continue
            if len(faces) == 1:
                views[person.name].append(faces[0][1])
    enough = {person: seen for person, seen in views.items() if len(seen) >= VIEWS_OF_A_SET}
    return _population("pictures of your own", enough, VIEWS_OF_A_SET) if len(enough) > 1 else None


def _take(views: Views, truth: FrameTruth, eyes: Eyes, jpeg: bytes) -> None:
    for box, embedding in eyes.faces(jpeg):
        face = who_is_at(truth, box)
        if face is not None and face.usable:
            views[face.person_id].append(embedding)


def _population(name: str, views: Views, count: int) -> Population:
    """`count` views of each person, spread over those there are."""
    kept = [[seen[at] for at in np.linspace(0, len(seen) - 1, count).astype(int)] for _, seen in sorted(views.items())]
    return Population(f"{name} ({len(kept)} persons)", np.array(kept))
