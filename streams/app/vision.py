"""The models' side of a worker, made from settings."""

import time
from dataclasses import dataclass
from typing import Any

import cv2

from models.gallery.gallery import Galleries, Gallery
from models.gallery.keys import KeyDirectory
from models.gallery.protect import Protector
from models.packs import Pack, load_pack
from models.recognizer import Recognizer
from models.vision.decode import OpenCVDecoder
from models.vision.detect import DetectionSettings
from models.vision.follow.settings import FollowSettings
from models.vision.quality import LandmarkQualityGate, QualitySettings
from streams.settings import Settings
from streams.wire.records import ModelNames


@dataclass(frozen=True, slots=True)
class Vision:
    """What recognises, and what it compares with."""

    pack: Pack
    keys: KeyDirectory
    protector: Protector
    galleries: Galleries
    recognizer: Recognizer
    names: ModelNames


def make_vision(settings: Settings) -> Vision:
    """Load networks and keys. Takes seconds the first time, when the default pack is prepared.

    Raises PackError and KeyDirectoryError.
    """
    cv2.setNumThreads(1)  # a frame is one thread's work: the pool has one a core
    pack = load_pack(settings.model_pack, settings.cache_dir)
    keys = KeyDirectory.open(settings.key_dir)
    protector = Protector(keys.template_key, dimension=pack.embedding_size)
    galleries = Galleries(
        lambda: Gallery(
            protector,
            impostor_mean=pack.impostor_mean,
            impostor_deviation=pack.impostor_deviation,
            false_positive_rate=settings.false_positive_rate,
            hnsw_from=settings.hnsw_from,
        )
    )
    recognizer = Recognizer(
        decoder=OpenCVDecoder(max_bytes=settings.max_picture_bytes, max_pixels=settings.max_picture_pixels),
        detector=pack.detector(DetectionSettings(longest_side_px=settings.detect_size)),
        gate=LandmarkQualityGate(quality_settings(settings)),
        encoder=pack.encoder(),
        follow=follow_settings(settings),
        timer=time.perf_counter,
    )
    names = ModelNames(detector=pack.detector_name, encoder=pack.encoder_name, template_key=keys.template_key.id)
    return Vision(pack, keys, protector, galleries, recognizer, names)


def quality_settings(settings: Settings) -> QualitySettings:
    """What was set of the quality gate; the rest as the models have it."""
    return QualitySettings(
        **_given(
            min_face_px=settings.min_face_px,
            min_sharpness=settings.min_sharpness,
            max_yaw_deg=settings.max_yaw_deg,
            min_confidence=settings.min_confidence,
        )
    )


def follow_settings(settings: Settings) -> FollowSettings:
    """What was set of following; the rest as the models have it."""
    recheck_ms = None if settings.recheck_s is None else round(settings.recheck_s * 1000)
    return FollowSettings(**_given(max_encodings_per_frame=settings.encodings_per_frame, recheck_ms=recheck_ms))


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
