"""A long run at a steady rate below the capacity: memory, file handles and lag must not grow."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from tests.kafka.load.answers import percentile
from tests.kafka.load.course import CAMERAS, PATIENCE_S, Course
from tests.kafka.load.feed import evenly
from tests.kafka.load.vitals import Sample

SHARE = 0.8
SETTLING_MINUTES = 2
"""At the beginning, in which memory may grow: pools, caches and the runtime's arena find their size."""

MAX_RSS_GROWTH_MIB = 10.0
MAX_HANDLE_GROWTH = 2.0
MAX_LAG_GROWTH_S = 1.0
"""What may be added between the settling and the end, by the line of least squares: lag in seconds of the rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """Means of rss, handles and lag; latency from the broker's append of a frame to the recognition's."""

    minute: int
    rss_mib: float
    handles: float
    lag: float
    latency_p50_s: float
    latency_p95_s: float
    latency_p99_s: float
    frames: int

    def row(self) -> dict[str, object]:
        """For the report, figures rounded."""
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(self).items()}


async def soak(course: Course, frames_per_s: float, seconds: float) -> tuple[list[Minute], list[str]]:
    """The minutes, a last one that is not full included, and what grew, in words; empty when nothing did."""
    begun = time.monotonic()
    await course.feed.run(evenly(CAMERAS, frames_per_s), seconds)
    ended = time.monotonic()
    await course.answers.all_of(course.feed.sent, PATIENCE_S)
    minutes = [_minute(course, begun, number) for number in range(int((ended - begun - 1) // 60) + 1)]
    samples = [sample for sample in course.vitals.since(begun) if sample.at_s <= ended]
    settled = [sample for sample in samples if sample.at_s - begun >= min(SETTLING_MINUTES * 60, seconds / 5)]
    return minutes, growth(settled, frames_per_s)


def growth(samples: Sequence[Sample], frames_per_s: float) -> list[str]:
    """What grew by more than is allowed over these samples, in words."""
    limits: tuple[tuple[str, Callable[[Sample], float], float], ...] = (
        ("MiB of memory", lambda sample: sample.rss_mib, MAX_RSS_GROWTH_MIB),
        ("file handles", lambda sample: sample.handles, MAX_HANDLE_GROWTH),
        ("frames of lag", lambda sample: sample.lag, MAX_LAG_GROWTH_S * frames_per_s),
    )
    grown = [(what, added([(each.at_s, of(each)) for each in samples]), limit) for what, of, limit in limits]
    return [f"{more:+.1f} {what}, of which {limit:.1f} are allowed" for what, more, limit in grown if more > limit]


def added(points: Sequence[tuple[float, float]]) -> float:
    """By how much a line of least squares through these rises from the first to the last; 0.0 of fewer than two."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    return slope * (points[-1][0] - points[0][0])


def _minute(course: Course, begun: float, number: int) -> Minute:
    start, end = begun + 60 * number, begun + 60 * (number + 1)
    samples = [sample for sample in course.vitals.since(start) if sample.at_s < end]
    latencies_s = [answer.latency_s for answer in course.since(start) if answer.at_s < end]

    def mean(of: Callable[[Sample], float]) -> float:
        return sum(map(of, samples)) / max(1, len(samples))

    return Minute(
        minute=number + 1,
        rss_mib=mean(lambda sample: sample.rss_mib),
        handles=mean(lambda sample: sample.handles),
        lag=mean(lambda sample: sample.lag),
        latency_p50_s=percentile(latencies_s, 0.50),
        latency_p95_s=percentile(latencies_s, 0.95),
        latency_p99_s=percentile(latencies_s, 0.99),
        frames=len(latencies_s),
    )
