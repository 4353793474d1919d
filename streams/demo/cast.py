"""Who is filmed: seven people in two pictures that installed packages carry, and where their faces are.

The names are invented. The boxes were measured once, with YuNet at two scales, and are numbers only;
the pictures stay where their packages put them.
"""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

GROUP_WH_PX: Final = (1280, 886)
PORTRAIT_WH_PX: Final = (512, 512)
PORTRAIT_AT_XY_PX: Final = (1408, 187)
STAGE_WH_PX: Final = (1920, 886)
WALL_BGR: Final = (116, 124, 132)


class CastError(Exception):
    """A picture that an installed package should carry is missing or another one."""


@dataclass(frozen=True, slots=True)
class Person:
    """One of those who are filmed.

    face_ltwh_px: left, top, width, height of the face in pixels of the stage.
    enrolled: False for the strangers, whom nothing may ever name.
    """

    person_id: str
    face_ltwh_px: tuple[float, float, float, float]
    enrolled: bool


CAST: Final = (
    Person("ada", (58, 268, 111, 130), enrolled=False),
    Person("bea", (268, 149, 103, 128), enrolled=False),
    Person("carl", (464, 266, 106, 147), enrolled=True),
    Person("dan", (749, 350, 97, 124), enrolled=True),
    Person("emil", (903, 58, 103, 141), enrolled=False),
    Person("fay", (1129, 273, 95, 124), enrolled=True),
    Person("gwen", (1587, 253, 90, 110), enrolled=True),
)
ENROLLED: Final = frozenset(person.person_id for person in CAST if person.enrolled)


@cache
def stage() -> NDArray[np.uint8]:
    """Both pictures side by side before a plain wall: uint8 (886, 1920, 3), BGR, read-only. Raises CastError."""
    width_px, height_px = STAGE_WH_PX
    canvas = np.full((height_px, width_px, 3), WALL_BGR, np.uint8)
    group = _picture("insightface", "data/images/t1.jpg", GROUP_WH_PX)
    portrait = _picture("skimage", "data/astronaut.png", PORTRAIT_WH_PX)
    canvas[: group.shape[0], : group.shape[1]] = group
    left, top = PORTRAIT_AT_XY_PX
    canvas[top : top + portrait.shape[0], left : left + portrait.shape[1]] = portrait
    canvas.flags.writeable = False
    return canvas


def _picture(package: str, name: str, size_wh_px: tuple[int, int]) -> NDArray[np.uint8]:
    # find_spec does not import: insightface takes seconds to load, and only its file is wanted
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise CastError(f"the demo films a picture inside the package {package}, which is not installed")
    path = Path(spec.submodule_search_locations[0], name)
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None or pixels.shape[1::-1] != size_wh_px:
        found = "no picture" if pixels is None else f"{pixels.shape[1]}x{pixels.shape[0]}"
        raise CastError(f"{package}/{name}: expected a picture of {size_wh_px[0]}x{size_wh_px[1]}, found {found}")
    return pixels.astype(np.uint8, copy=False)
