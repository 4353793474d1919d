"""Keys, protectors and random embeddings for the tests of the gallery."""

from collections.abc import Callable

import numpy as np
import pytest

from models.gallery.gallery import Gallery
from models.gallery.keys import TemplateKey
from models.gallery.protect import Protector
from models.types import Float32

DIMENSION = 128


@pytest.fixture(scope="session")
def template_key() -> TemplateKey:
    return TemplateKey("tk-test", bytes(range(32)))


@pytest.fixture(scope="session")
def protector(template_key: TemplateKey) -> Protector:
    return Protector(template_key)


@pytest.fixture
def make_gallery(protector: Protector) -> Callable[..., Gallery]:
    """A gallery with SFace's impostor figures; settings by keyword."""

    def make(**settings: object) -> Gallery:
        return Gallery(protector, impostor_mean=0.10, impostor_deviation=0.11, **settings)

    return make


@pytest.fixture(scope="session")
def unit() -> Callable[..., Float32]:
    """`unit(seed)` is a random unit vector, `unit(seed, n)` n of them, always the same for one seed."""

    def draw(seed: int, n: int | None = None) -> Float32:
        vectors = np.random.default_rng(seed).normal(size=(n or 1, DIMENSION))
        vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return vectors if n is not None else vectors[0]

    return draw


@pytest.fixture(scope="session")
def near() -> Callable[..., Float32]:
    """`near(x, cosine, seed)` is a unit vector at that cosine to the unit vector x."""

    def draw(x: Float32, cosine: float, seed: int) -> Float32:
        other = np.random.default_rng((seed, 1)).normal(size=x.shape)  # never one of `unit`
        other -= (other @ x) * x
        other /= np.linalg.norm(other)
        return (cosine * x + np.sqrt(1 - cosine**2) * other).astype(np.float32)

    return draw
