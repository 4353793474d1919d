"""The load runs in their short form: what must hold on any machine. `make load` and `make soak` are the long one."""

from pathlib import Path

import pytest

from streams.wire.topics import Topics
from tests.kafka.broker import Kafka
from tests.kafka.load import fairness, overload, soak
from tests.kafka.load.course import course
from tests.kafka.load.ground import Ground, pictures

FLOOD_FPS, FLOOD_S = 150.0, 3.0
"""A third of what is offered in the overload: more than two cores recognise."""
OVERLOAD_S, SOAK_S, FAIRNESS_S = 8.0, 8.0, 4.0
MAX_AGE_S = 1.0

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def films() -> list[list[bytes]]:
    return pictures(20)


@pytest.fixture
async def ground(kafka: Kafka, tmp_path: Path, request: pytest.FixtureRequest) -> Ground:
    return await Ground.made(kafka.bootstrap(), Topics(prefix=request.node.name, partitions=4), tmp_path)


def assert_all_answered_once(run) -> None:
    codes = run.codes()
    assert run.feed.refused == 0
    assert set(codes) <= {"ok", "too_old"}
    assert (run.twice(), run.wrong()) == ([], [])


async def test_overload_with_an_age_limit(ground: Ground, films) -> None:
    async with course(ground, films, MAX_FRAME_AGE_S=f"{MAX_AGE_S:g}") as run:
        outcome = await overload.overload(run, FLOOD_FPS, OVERLOAD_S, calm_s=0.0, late_s=MAX_AGE_S)
        assert_all_answered_once(run)
    assert outcome.skipped > 0
    assert outcome.recognised > 0
    assert outcome.miscounted == 0
    assert outcome.peak_rss_mib < overload.MAX_RSS_MIB


async def test_overload_without_one_then_a_steady_rate_then_a_camera_that_floods(ground: Ground, films) -> None:
    async with course(ground, films) as run:
        capacity_fps = await run.capacity_fps(FLOOD_FPS, FLOOD_S)
        assert run.codes() == {"ok": len(run.feed.sent)}

        minutes, grown = await soak.soak(run, capacity_fps / 2, SOAK_S)  # CI's cores are no measure of a capacity
        assert [line for line in grown if "handles" in line] == []
        assert sum(minute.frames for minute in minutes) > 0

        for film, rate in ((films[0], FLOOD_FPS), ([fairness.huge(films[0][0])], fairness.HUGE_FPS)):
            flood = await fairness.flood(run, film, rate, FAIRNESS_S)
            assert flood.calm_recognised > 0
        assert_all_answered_once(run)
        assert run.vitals.peak_rss_mib() < overload.MAX_RSS_MIB
