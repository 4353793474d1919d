"""One camera that sends more than its share, beside cameras that send little: how long the others wait."""

import time
from dataclasses import asdict, dataclass

from tests.kafka.load.answers import percentile
from tests.kafka.load.course import CAMERAS, PATIENCE_S, Course

CALM_FPS = 4.0
FLOOD = "flood"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Latencies of the calm cameras' frames, alone and beside the flood.

    apart: of cameras in other partitions than the flood's; beside: of those in the same.
    """

    flood_fps: float
    flood_recognised: int
    calm_recognised: int
    alone_p95_s: float
    apart_p50_s: float
    apart_p95_s: float
    beside_p50_s: float | None
    beside_p95_s: float | None

    def row(self) -> dict[str, object]:
        """For the report, figures rounded."""
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(self).items()}


async def flood(course: Course, flood_fps: float, seconds: float) -> Outcome:
    """The calm cameras alone, then beside the flood, each for so long; all that is left is waited for."""
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
        flood_fps=flood_fps,
        flood_recognised=sum(answer.camera == FLOOD and answer.at_s < ended for answer in answers),
        calm_recognised=len(apart) + len(beside),
        alone_p95_s=percentile(alone, 0.95),
        apart_p50_s=percentile(apart, 0.5),
        apart_p95_s=percentile(apart, 0.95),
        beside_p50_s=percentile(beside, 0.5) if beside else None,
        beside_p95_s=percentile(beside, 0.95) if beside else None,
    )
