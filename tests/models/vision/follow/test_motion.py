import numpy as np
import pytest

from models.vision.follow.motion import Motion


def box(x, y=100.0, width=40.0, height=50.0):
    return np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2], np.float32)


def test_starts_where_the_box_is_and_at_rest():
    motion = Motion.start(box(200))
    assert (motion.x_px, motion.y_px, motion.width_px, motion.height_px) == (200, 100, 40, 50)
    assert (motion.vx_px_s, motion.vy_px_s) == (0, 0)
    assert motion.size_px == pytest.approx(np.sqrt(2000))


@pytest.mark.parametrize("frames_a_second", [5, 25, 60])
def test_learns_a_speed_in_pixels_a_second_at_any_frame_rate(frames_a_second):
    motion = Motion.start(box(0))
    for frame in range(1, 2 * frames_a_second + 1):
        motion = motion.after(1 / frames_a_second).corrected(box(120 * frame / frames_a_second))
    assert motion.vx_px_s == pytest.approx(120, rel=0.02)
    assert motion.after(0.5).x_px == pytest.approx(240 + 60, rel=0.02)


def test_is_less_sure_the_longer_it_has_not_seen_the_face():
    motion = Motion.start(box(0)).after(0.04).corrected(box(0))
    spreads = [motion.after(gap_s).spread_px for gap_s in (0.04, 0.2, 1.0)]
    assert spreads == sorted(spreads)
    assert spreads[0] < spreads[-1]


def test_time_that_stands_still_moves_nothing_and_stays_finite():
    motion = Motion.start(box(0))
    for step in range(50):
        motion = motion.after(0.0).corrected(box(step % 2))
    assert motion.after(0.0).x_px == motion.x_px
    assert np.isfinite(motion.spread_px)


def test_a_box_without_area_is_one_pixel_wide():
    motion = Motion.start(np.array([10, 10, 10, 10], np.float32))
    assert (motion.width_px, motion.height_px, motion.size_px) == (1, 1, 1)


def test_a_near_face_and_a_far_one_are_followed_alike():
    near, far = Motion.start(box(0, 0, 200, 200)), Motion.start(box(0, 0, 20, 20))
    for step in range(1, 6):
        near = near.after(0.04).corrected(box(step * 10, 0, 200, 200))
        far = far.after(0.04).corrected(box(step, 0, 20, 20))
    assert near.vx_px_s == pytest.approx(10 * far.vx_px_s)
    assert near.spread_px == pytest.approx(10 * far.spread_px)
