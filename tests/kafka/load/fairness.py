"""One camera that sends too many or too large frames, beside cameras that send little: how long the others wait."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import cv2
import numpy as np

from tests.kafka.load.answers import percentile
from tests.kafka.load.course import CAMERAS, PATIENCE_S, Course

CALM_FPS = 4.0
FLOOD = "flood"
HUGE_FPS = 4.0
HUGE_PX = (7680, 4320)
"""The largest frame that the default settings take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Latencies of the calm cameras' frames, alone and beside the flood.

    apart: of cameras in other partitions than the flood's; beside: of those in the same.
    """

    flood_frame_kib: int
    flood_fps: float
    flood_recognised: int
    calm_recognised: int
    alone_p95_s: float
    apart_p50_s: float
    apart_p95_s: float
    beside_p50_s: float | None
    beside_p95_s: float | None
    peak_rss_mib: float

    def row(self) -> dict[str, object]:
        """For the report, figures rounded."""
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(self).items()}


def huge(picture: bytes) -> bytes:
    """The picture, as large as a frame may be."""
    pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    return bytes(cv2.imencode(".jpg", cv2.resize(pixels, HUGE_PX, interpolation=cv2.INTER_CUBIC))[1])


async def flood(course: Course, film: Sequence[bytes], flood_fps: float, seconds: float) -> Outcome:
    """The calm cameras alone, then beside one that sends this film, each for so long; what is left is waited for."""
    course.feed.own[FLOOD] = film
    calm = dict.fromkeys(CAMERAS, CALM_FPS)
    begun = time.monotonic()
    await course.feed.run(calm, seconds)
    alone = [answer.latency_s for answer in course.since(begun)]
    before, begun = set(course.feed.sent), time.monotonic()
    await course.feed.run({**calm, FLOOD: flood_fps}, seconds)
    ended = time.monotonic()
    await course.answers.all_of(course.feed.sent, PATIENCE_S)

    partition = {camera: place[0] for place, camera in course.feed.sent.items()}
    answers = [answer for answer in course.since(begun) if answer.place not in before]
    apart, beside = (
        [
            answer.latency_s
            for answer in answers
            if answer.camera != FLOOD and (partition[answer.camera] == partition[FLOOD]) is same
        ]
        for same in (False, True)
    )
    return Outcome(
        flood_frame_kib=max(map(len, film)) >> 10,
        flood_fps=flood_fps,
        flood_recognised=sum(answer.camera == FLOOD and answer.at_s < ended for answer in answers),
        calm_recognised=len(apart) + len(beside),
        alone_p95_s=percentile(alone, 0.95),
        apart_p50_s=percentile(apart, 0.5),
        apart_p95_s=percentile(apart, 0.95),
        beside_p50_s=percentile(beside, 0.5) if beside else None,
        beside_p95_s=percentile(beside, 0.95) if beside else None,
        peak_rss_mib=course.vitals.peak_rss_mib(),
    )
