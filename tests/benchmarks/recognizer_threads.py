"""Ours without a broker: the recogniser in threads, one camera after the other on each."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
from clips import Clip
from rig import Rig
from systems import Named, Run

from models.gallery.gallery import Gallery
from models.gallery.keys import KeyDirectory
from models.gallery.protect import Protector
from models.recognizer import Recognizer
from models.types import EnrollmentView
from models.vision.decode import OpenCVDecoder
from models.vision.follow.settings import FollowSettings
from models.vision.quality import LandmarkQualityGate, QualitySettings


class RecognizerThreads:
    """The recogniser and its gallery as a worker has them, with nothing around."""

    name = "recognizer"

    def __init__(self, rig: Rig, copies: int) -> None:
        """copies: how many cameras show each clip at once, so that a short one lasts long enough to be timed."""
        self._rig = rig
        self._copies = copies
        self._recognizer = Recognizer(
            decoder=OpenCVDecoder(max_bytes=4 << 20, max_pixels=1 << 25),
            detector=rig.detector,
            gate=LandmarkQualityGate(QualitySettings()),
            encoder=rig.encoder,
            follow=FollowSettings(),
            timer=time.perf_counter,
        )

    def run(self, clip: Clip) -> Run:
        """See `System`."""
        cv2.setNumThreads(1)
        gallery = self._gallery(clip)
        cameras = [(copy, camera_id) for copy in range(self._copies) for camera_id in clip.cameras]
        said: dict[tuple[str, int], tuple[Named, ...]] = {}

        def see(camera: tuple[int, str]) -> int:
            copy, camera_id = camera
            state = self._recognizer.new_camera()
            encodings = 0
            for number, jpeg in enumerate(clip.cameras[camera_id]):
                at_ms = round(1000 * number / clip.frames_per_s)
                result = self._recognizer.recognize(
                    jpeg, state, gallery, frame_ref=f"{copy}/{camera_id}/{number}", at_ms=at_ms
                )
                encodings += result.encodings
                left_top_sides = [tuple(float(side) for side in face.box_ltwh) for face in result.faces]
                said[camera_id, number] = tuple(
                    ((left, top, width, height), face.match.person_id)
                    for (left, top, width, height), face in zip(left_top_sides, result.faces, strict=True)
                )
            return encodings

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            started_s = time.perf_counter()
            encodings = sum(pool.map(see, cameras))
            fps = self._copies * len(clip) / (time.perf_counter() - started_s)
        return Run(fps, encodings / self._copies, said)

    def _gallery(self, clip: Clip) -> Gallery:
        pack = self._rig.pack
        with TemporaryDirectory() as directory:
            key = KeyDirectory.create(Path(directory, "keys")).template_key
        gallery = Gallery(
            Protector(key),
            impostor_mean=pack.impostor_mean,
            impostor_deviation=pack.impostor_deviation,
        )
        for person_id, picture in clip.people.items():
            view = self._recognizer.examine(picture)
            if isinstance(view, EnrollmentView):
                gallery.add(person_id, "f", gallery.protector.protect(view.embedding))
        return gallery
