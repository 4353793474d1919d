"""What a model pack is: a detector, an encoder, where they come from and who may use them."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from models.errors import PackError
from models.vision.detect import DetectionSettings, Detector
from models.vision.encode import Encoder

_STEM_CHARACTERS = 24
_CHECKSUM_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Pack:
    """Two networks that belong together.

    name: as in the settings.
    licence, commercial_use: of the networks, not of the code around them.
    licence_notice: what an operator must be told at the start; None where a business may use the pack.
    files: SHA-256, in hexadecimal, by name of the file as published.
    embedding_size: numbers in an embedding.
    colour_order: in which the encoder reads pixels: RGB or BGR. Pictures go in as BGR all the same.
    impostor_mean, impostor_deviation: of the cosine between different people; thresholds follow from them.
    detector_name, encoder_name: the network and the start of its checksum.
    model_version: goes with every feature; features of two versions cannot be compared.
    """

    name: str
    licence: str
    commercial_use: bool
    licence_notice: str | None
    files: Mapping[str, str]
    embedding_size: int
    colour_order: str
    impostor_mean: float
    impostor_deviation: float
    detector_name: str
    encoder_name: str
    _load_detector: Callable[[DetectionSettings], Detector] = field(repr=False)
    _load_encoder: Callable[[], Encoder] = field(repr=False)

    @property
    def model_version(self) -> str:
        """The encoder's name: what a feature depends on."""
        return self.encoder_name

    def detector(self, settings: DetectionSettings | None = None) -> Detector:
        """A detector of its own; make one and share it between threads. Raises PackError."""
        return self._load_detector(settings or DetectionSettings())

    def encoder(self) -> Encoder:
        """An encoder of its own; make one and share it between threads. Raises PackError."""
        return self._load_encoder()


def sha256_of(file: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal. Raises PackError if it cannot be read."""
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise PackError(f"{file}: a model file is expected here, and cannot be read: {error.strerror}") from error


def network_name(stem: str, sha256: str) -> str:
    """A short, stable name: `sface-fb143eea0783`."""
    return f"{stem[:_STEM_CHARACTERS]}-{sha256[:_CHECKSUM_DIGITS]}"
