"""The default pack and its prepared files, shared by all that is compared."""

from dataclasses import dataclass
from pathlib import Path

from models.gallery.thresholds import threshold
from models.packs import load_pack
from models.packs.base import Pack
from models.vision.detect import Detector
from models.vision.encode import Encoder


@dataclass(frozen=True, slots=True)
class Rig:
    """detector_file, encoder_file: the prepared networks in cache_dir, for those who load a file themselves."""

    cache_dir: Path
    pack: Pack
    detector: Detector
    encoder: Encoder
    detector_file: Path
    encoder_file: Path

    def min_similarity(self, features: int) -> float:
        """The threshold of a gallery of this size, as ours has it."""
        return threshold(
            features, impostor_mean=self.pack.impostor_mean, impostor_deviation=self.pack.impostor_deviation
        )


def rig_in(cache_dir: Path) -> Rig:
    """The default pack, prepared into this directory."""
    pack = load_pack("opencv-zoo", cache_dir)
    detector_file, encoder_file = (
        next(cache_dir.glob(f"{stem}*.onnx")) for stem in ("face_detection_yunet", "face_recognition_sface")
    )
    return Rig(cache_dir, pack, pack.detector(), pack.encoder(), detector_file, encoder_file)
