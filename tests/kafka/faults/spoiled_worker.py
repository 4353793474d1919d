"""`facestreams worker` with a detector that raises on pictures of one size, does not end on those of another, and on
those of a third neither ends nor can be ended.
"""

import tempfile
import time
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from models.session import Session
from models.types import Detections, Picture
from models.vision.detect import YuNetDetector
from tests.models.endless import write_endless_network

RAISES_PX: Final = 97
ENDLESS_PX: Final = 98
DEAF_PX: Final = 99
FOR_EVER_S: Final = 3600.0


def square(side_px: int) -> bytes:
    """A grey picture, as a JPEG."""
    return bytes(cv2.imencode(".jpg", np.full((side_px, side_px, 3), 128, np.uint8))[1])


def _endless() -> Session:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "endless.onnx")
        write_endless_network(file)
        return Session(file)


def _spoil() -> None:
    detect, endless = YuNetDetector.detect, _endless()

    def spoiled(self: YuNetDetector, picture: Picture) -> Detections:
        if picture.width_px == RAISES_PX:
            raise ArithmeticError("scripted")
        if picture.width_px == ENDLESS_PX:
            endless.run({"x": np.zeros(1, np.float32)})
        if picture.width_px == DEAF_PX:
            time.sleep(FOR_EVER_S)
        return detect(self, picture)

    YuNetDetector.detect = spoiled  # type: ignore[method-assign]  # the point of this file


if __name__ == "__main__":
    from streams.cli import main

    _spoil()
    main()
