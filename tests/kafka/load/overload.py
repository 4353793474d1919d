"""More frames than a worker can recognise: what is skipped, how old frames get, and how soon it is over."""

import time
from collections import Counter
from dataclasses import asdict, dataclass

from tests.kafka.load.answers import percentile
from tests.kafka.load.course import CAMERAS, PATIENCE_S, Course
from tests.kafka.load.feed import evenly

TIMES_CAPACITY = 3
CALM_SHARE = 0.5
"""Of the capacity, once the overload is over."""

MAX_RSS_MIB = 900.0
"""Of a worker on two cores, however many frames wait: twice what it holds at a steady rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """frames_sent: acknowledged by the broker. failed: answered with another code than ok and too_old.

    unaccounted: without an entry in the running log. twice: with two. wrong: log and recognitions disagree.
    miscounted: cameras of which the worker's metric counts other skips than the running log.
    latency: of recognised frames, from the broker's append to the recognition's. lag: frames, at its highest.
    recovery_s: from the end of the overload to the last frame that was skipped or was answered late.
    heartbeat_max_s: longest time without an answered heartbeat.
    """

    capacity_fps: float
    offered_fps: float
    frames_sent: int
    recognised: int
    skipped: int
    failed: int
    unaccounted: int
    twice: int
    wrong: int
    miscounted: int
    latency_p50_s: float
    latency_p95_s: float
    latency_max_s: float
    lag_max: int
    peak_rss_mib: float
    recovery_s: float
    heartbeat_max_s: float

    def row(self) -> dict[str, object]:
        """For the report, figures rounded."""
        return {name: round(value, 2) if isinstance(value, float) else value for name, value in asdict(self).items()}


async def overload(course: Course, capacity_fps: float, seconds: float, *, calm_s: float, late_s: float) -> Outcome:
    """Three times the capacity for so long, then half of it for `calm_s`; then all that is left is waited for.

    late_s: latency from which a frame after the overload counts as late.
    """
    before = len(course.feed.sent)
    skips_before = await _skips(course)
    begun = time.monotonic()
    await course.feed.run(evenly(CAMERAS, TIMES_CAPACITY * capacity_fps), seconds)
    ended = time.monotonic()
    offered_fps = (len(course.feed.sent) - before) / (ended - begun)
    if calm_s:
        await course.feed.run(evenly(CAMERAS, CALM_SHARE * capacity_fps), calm_s)
    await course.answers.all_of(course.feed.sent, PATIENCE_S)

    places = list(course.feed.sent)[before:]
    codes = Counter(course.answers.codes[place] for place in places)
    recognised = course.since(begun)
    latencies_s = [answer.latency_s for answer in recognised if answer.at_s < ended]
    samples = course.vitals.since(begun)
    late = [answer.at_s for answer in recognised if answer.latency_s > late_s]
    last_trouble = max([ended, *late, *[course.answers.last_entry_s.get("too_old", ended)]])
    skipped = Counter(course.feed.sent[place] for place in places if course.answers.codes[place] == "too_old")
    counted = {camera: number - skips_before[camera] for camera, number in (await _skips(course)).items()}
    return Outcome(
        capacity_fps=capacity_fps,
        offered_fps=offered_fps,
        frames_sent=len(places),
        recognised=codes["ok"],
        skipped=codes["too_old"],
        failed=len(places) - codes["ok"] - codes["too_old"],
        unaccounted=course.codes()["none"],
        twice=len(course.twice()),
        wrong=len(course.wrong()),
        miscounted=sum(counted.get(camera, 0) != skipped[camera] for camera in CAMERAS),
        latency_p50_s=percentile(latencies_s, 0.50),
        latency_p95_s=percentile(latencies_s, 0.95),
        latency_max_s=max(latencies_s, default=0.0),
        lag_max=max(sample.lag for sample in samples),
        peak_rss_mib=course.vitals.peak_rss_mib(),
        recovery_s=last_trouble - ended,
        heartbeat_max_s=max(sample.heartbeat_s for sample in samples),
    )


async def _skips(course: Course) -> Counter[str]:
    """By camera, as the worker's metrics count them."""
    samples = await course.vitals.metric("facestreams_camera_frames_skipped_total")
    return Counter({labels.removeprefix('camera="').removesuffix('"'): int(n) for labels, n in samples.items()})
