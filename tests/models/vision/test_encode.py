import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from insightface.utils.face_align import arcface_dst, estimate_norm, norm_crop

from models.types import Float32, Picture
from models.vision.detect import Detector
from models.vision.encode import (
    ARCFACE_TEMPLATE_XY_PX,
    ArcFaceEncoder,
    Encoder,
    aligned_crops,
    similarity_to_template,
)


@dataclass(frozen=True)
class Case:
    """An encoder and a picture of several people with their landmarks."""

    encoder: Encoder
    picture: Picture
    landmarks_xy_px: Float32


@pytest.fixture(params=["fake", "sface"])
def case(request: pytest.FixtureRequest) -> Case:
    value = request.getfixturevalue
    fake = request.param == "fake"
    detector: Detector = value("fake_detector" if fake else "detector")
    picture: Picture = value("painted" if fake else "six_people")
    return Case(value("fake_encoder" if fake else "encoder"), picture, detector.detect(picture).landmarks_xy_px)


class TestContract:
    def test_embeddings_have_unit_length(self, case: Case) -> None:
        embeddings = case.encoder.encode(case.picture, case.landmarks_xy_px)
        assert embeddings.dtype == np.float32
        assert embeddings.shape == (len(case.landmarks_xy_px), case.encoder.dimension)
        np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)

    def test_no_face_has_no_embedding(self, case: Case) -> None:
        embeddings = case.encoder.encode(case.picture, np.empty((0, 5, 2), np.float32))
        assert embeddings.shape == (0, case.encoder.dimension)
        assert embeddings.dtype == np.float32

    def test_a_face_has_the_same_embedding_in_any_company(self, case: Case) -> None:
        together = case.encoder.encode(case.picture, case.landmarks_xy_px)
        alone = [case.encoder.encode(case.picture, face[None])[0] for face in case.landmarks_xy_px]
        np.testing.assert_allclose(together, alone, atol=1e-5)

    def test_different_people_are_far_apart(self, case: Case) -> None:
        embeddings = case.encoder.encode(case.picture, case.landmarks_xy_px)
        cosines = embeddings @ embeddings.T
        assert cosines[~np.eye(len(cosines), dtype=bool)].max() < 0.42

    def test_the_picture_is_left_alone_and_threads_may_share(self, case: Case) -> None:
        before = case.picture.pixels_bgr.copy()
        alone = case.encoder.encode(case.picture, case.landmarks_xy_px)
        with ThreadPoolExecutor(3) as threads:
            together = threads.map(lambda _: case.encoder.encode(case.picture, case.landmarks_xy_px), range(3))
        assert all(np.array_equal(alone, embeddings) for embeddings in together)
        assert np.array_equal(case.picture.pixels_bgr, before)


def random_landmarks(count: int) -> Float32:
    """Faces of many sizes, turned any way, with landmarks a little off their places."""
    random = np.random.default_rng(3)
    angles, scales = random.uniform(-np.pi, np.pi, count), random.uniform(0.1, 8, count)
    turns = np.array([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]]).transpose(2, 0, 1)
    shapes = ARCFACE_TEMPLATE_XY_PX + random.normal(0, 4, (count, 5, 2))
    moved = shapes @ turns * scales[:, None, None] + random.uniform(-200, 900, (count, 1, 2))
    return moved.astype(np.float32)


def test_the_template_is_insightfaces() -> None:
    np.testing.assert_allclose(ARCFACE_TEMPLATE_XY_PX, arcface_dst, atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*estimate.*:FutureWarning")
@pytest.mark.parametrize("side_px", [112, 128, 224, 256])
def test_the_transform_is_insightfaces(side_px: int) -> None:
    landmarks = random_landmarks(50)
    theirs = [estimate_norm(face.astype(np.float64), side_px) for face in landmarks]
    np.testing.assert_allclose(similarity_to_template(landmarks, side_px), theirs, atol=1e-4)


@pytest.mark.filterwarnings("ignore:.*estimate.*:FutureWarning")
def test_the_crops_are_insightfaces(six_people: Picture, detector: Detector) -> None:
    landmarks = detector.detect(six_people).landmarks_xy_px
    ours = aligned_crops(six_people, landmarks, 112)
    theirs = [norm_crop(six_people.pixels_bgr, face) for face in landmarks]
    np.testing.assert_allclose(np.array(ours, int), np.array(theirs, int), atol=1)


def test_a_face_is_known_again_when_smaller(encoder: Encoder, detector: Detector, astronaut: Picture) -> None:
    half = Picture(np.ascontiguousarray(astronaut.pixels_bgr[::2, ::2]), "image/png")
    embeddings = [encoder.encode(picture, detector.detect(picture).landmarks_xy_px)[0] for picture in (astronaut, half)]
    assert embeddings[0] @ embeddings[1] > 0.6


@pytest.mark.parametrize("value", [0.0, 1e30, np.nan])
def test_landmarks_of_no_shape_give_a_finite_embedding(encoder: Encoder, astronaut: Picture, value: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        embedding = encoder.encode(astronaut, np.full((1, 5, 2), value, np.float32))
    assert np.isfinite(embedding).all()


def test_landmarks_of_another_form_are_refused(encoder: Encoder, astronaut: Picture) -> None:
    with pytest.raises(ValueError, match="landmarks_xy_px"):
        encoder.encode(astronaut, np.zeros((5, 2), np.float32))


class StubArcFace:
    """An encoder of three numbers that notes the batches it is given."""

    input_size = (112, 112)

    def __init__(self, batch: int | str) -> None:
        self.input_shape = [batch, 3, 112, 112]
        self.batches: list[int] = []

    def get_feat(self, crops: list[Any]) -> Float32:
        self.batches.append(len(crops))
        return np.full((len(crops), 3), 2, np.float32)


@pytest.mark.parametrize(("batch", "expected"), [("n", [8, 8, 1]), (1, [1] * 17)])
def test_many_faces_go_in_batches_that_the_network_takes(
    astronaut: Picture, batch: int | str, expected: list[int]
) -> None:
    network = StubArcFace(batch)
    encoder = ArcFaceEncoder(network, "stub")
    network.batches.clear()
    embeddings = encoder.encode(astronaut, random_landmarks(17))
    assert network.batches == expected
    np.testing.assert_allclose(embeddings, np.full((17, 3), 3**-0.5), rtol=1e-6)
