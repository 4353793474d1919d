"""Where a face will be: a constant-velocity filter in pixels and seconds, scaled by the face's own size.

One filter serves both axes, since their noise is the same: its three variances are kept once. All
noise is stated in face sizes (the square root of the box's area, about 16 cm of the real world), so
that a near face and a far one behave alike, and in seconds, so that the frame rate plays no part.
"""

import math
from dataclasses import dataclass
from typing import Final

from models.types import Float32

_POSITION_NOISE: Final = 0.06
"""Standard deviation of a detected centre, in face sizes."""
_FIRST_SPEED: Final = 4.0
"""Standard deviation of the unknown first speed, in face sizes a second; walking across the picture is about 8."""
_ACCELERATION_AT_REST: Final = 3.0
_ACCELERATION_A_SPEED: Final = 1.0
"""Standard deviation of the acceleration, in face sizes a square second, and its growth with the speed:
who stands still tends to stay, who walks may stop within a second."""
_LEAST_STEP_S: Final = 0.02
"""Doubt grows as if at least this had passed: frames that arrive in one batch bear one time."""
_SIZE_GAIN: Final = 0.4
"""Share of a newly seen size in the followed one."""


@dataclass(frozen=True, slots=True)
class Motion:
    """Centre, speed and size of a face at one moment, and how sure of them we are.

    x_px, y_px: the box's centre; vx_px_s, vy_px_s: its speed; width_px, height_px: the box's sides.
    position_var, joint_var, speed_var: covariance of position and speed along either axis (px and seconds).
    """

    x_px: float
    y_px: float
    vx_px_s: float
    vy_px_s: float
    width_px: float
    height_px: float
    position_var: float
    joint_var: float
    speed_var: float

    @property
    def size_px(self) -> float:
        """Square root of the box's area, at least 1."""
        return max(1.0, math.sqrt(self.width_px * self.height_px))

    @property
    def spread_px(self) -> float:
        """Standard deviation of the distance along one axis between this and what a detector will see."""
        return math.sqrt(self.position_var + (_POSITION_NOISE * self.size_px) ** 2)

    @classmethod
    def start(cls, box_xyxy_px: Float32) -> "Motion":
        """A face just seen, of unknown speed."""
        x, y, width, height = _centre_and_sides(box_xyxy_px)
        size = max(1.0, math.sqrt(width * height))
        return cls(x, y, 0.0, 0.0, width, height, (_POSITION_NOISE * size) ** 2, 0.0, (_FIRST_SPEED * size) ** 2)

    def after(self, gap_s: float) -> "Motion":
        """The same face after `gap_s` seconds (0 or more) without being seen."""
        size = self.size_px
        speed = math.hypot(self.vx_px_s, self.vy_px_s)
        acceleration_var = (_ACCELERATION_AT_REST * size + _ACCELERATION_A_SPEED * speed) ** 2
        step = max(gap_s, _LEAST_STEP_S)
        return Motion(
            self.x_px + self.vx_px_s * gap_s,
            self.y_px + self.vy_px_s * gap_s,
            self.vx_px_s,
            self.vy_px_s,
            self.width_px,
            self.height_px,
            self.position_var + 2 * step * self.joint_var + step**2 * self.speed_var + acceleration_var * step**4 / 4,
            self.joint_var + step * self.speed_var + acceleration_var * step**3 / 2,
            self.speed_var + acceleration_var * step**2,
        )

    def corrected(self, box_xyxy_px: Float32) -> "Motion":
        """The same once it was seen at `box_xyxy_px` (the Kalman filter's update of a prediction)."""
        x, y, width, height = _centre_and_sides(box_xyxy_px)
        total_var = self.spread_px**2
        gain, speed_gain = self.position_var / total_var, self.joint_var / total_var
        dx, dy = x - self.x_px, y - self.y_px
        return Motion(
            self.x_px + gain * dx,
            self.y_px + gain * dy,
            self.vx_px_s + speed_gain * dx,
            self.vy_px_s + speed_gain * dy,
            self.width_px + _SIZE_GAIN * (width - self.width_px),
            self.height_px + _SIZE_GAIN * (height - self.height_px),
            (1 - gain) * self.position_var,
            (1 - gain) * self.joint_var,
            self.speed_var - speed_gain * self.joint_var,
        )


def _centre_and_sides(box_xyxy_px: Float32) -> tuple[float, float, float, float]:
    left, top, right, bottom = (float(side) for side in box_xyxy_px)
    return (left + right) / 2, (top + bottom) / 2, max(right - left, 1.0), max(bottom - top, 1.0)
