"""Which frames are skipped for their age: none that may have been done before, unless it was skipped then."""

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from streams.agents.cameras.age import CLOCKS_MS, RETRY_MS, SLACK_MS, AgeLimit
from streams.engine.outlet import FencedError, PublishTimeoutError
from streams.engine.reading.tail import TailError
from streams.engine.request import Request
from streams.wire.topics import FILLER_KEY

EPOCH = "0a0b0c0d"
NOW_MS = 10_000_000
LIMIT_MS = 10_000
OVER_MS = LIMIT_MS + 1


@dataclass
class Entry:
    key: bytes | None
    value: bytes | None


@dataclass
class Log:
    """A running log that the test writes, and how it was asked."""

    entries: list[Entry] = field(default_factory=list)
    asked: list[tuple[int, int]] = field(default_factory=list)
    away: bool = False

    def write(self, offset: int, code: str = "ok", topic: str = "camera-frames", partition: int = 3) -> None:
        key = f"{EPOCH}-{topic}-{partition}-{offset}".encode()
        self.entries.append(Entry(key, f'{{"event_id": "x", "return_code": "{code}", "billed": true}}'.encode()))

    async def since(self, partition, since_ms, apply) -> None:
        self.asked.append((partition, since_ms))
        if self.away:
            raise TailError("away")
        for entry in self.entries:
            apply(entry)


class Ground:
    def __init__(self) -> None:
        self.log = Log()
        self.now_ms = NOW_MS
        self.outlet = SimpleNamespace(lost=False)
        self.slept = lambda: None
        self.limit = AgeLimit(
            max_age_ms=LIMIT_MS,
            epoch=EPOCH,
            log=self.log,
            clock_ms=lambda: self.now_ms,
            patience_s=60,
            sleep=self.sleep,
        )

    async def sleep(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)
        self.slept()

    async def skips(self, offset: int, age_ms: int = OVER_MS, generation: int = 1, partition: int = 3) -> bool:
        at_ms = self.now_ms - age_ms
        return await self.limit.skips(
            Request("frames", partition, offset, at_ms, b"lobby", b"x", (), generation), self.outlet
        )


@pytest.fixture
def ground() -> Ground:
    return Ground()


async def test_a_frame_at_the_limit_is_recognised_and_one_above_it_is_not(ground: Ground) -> None:
    assert not await ground.skips(7, age_ms=LIMIT_MS)
    assert await ground.skips(8)


async def test_the_log_is_not_asked_as_long_as_frames_are_young(ground: Ground) -> None:
    assert not await ground.skips(7, age_ms=LIMIT_MS - CLOCKS_MS)
    assert ground.log.asked == []


async def test_what_was_skipped_is_skipped_again_by_a_clock_that_is_a_little_behind(ground: Ground) -> None:
    ground.log.write(5, "too_old")
    ground.log.write(6)
    age_ms = LIMIT_MS - CLOCKS_MS + 1
    assert [await ground.skips(offset, age_ms=age_ms) for offset in (5, 6, 7)] == [True, False, False]


async def test_what_was_done_before_is_never_skipped_and_what_comes_after_it_is(ground: Ground) -> None:
    for offset in (5, 9, 6):
        ground.log.write(offset)
    assert [await ground.skips(offset) for offset in (5, 7, 9, 10)] == [False, False, False, True]


async def test_what_was_skipped_before_is_skipped_again(ground: Ground) -> None:
    for offset, code in ((5, "too_old"), (6, "ok"), (7, "too_old"), (7, "ok"), (8, "ok"), (8, "too_old")):
        ground.log.write(offset, code)
    assert [await ground.skips(offset) for offset in (5, 6, 7, 8)] == [True, False, False, True]


async def test_entries_about_other_things_say_nothing(ground: Ground) -> None:
    ground.log.write(50, topic="gallery-commands")
    ground.log.write(50, partition=4)
    ground.log.entries += [
        Entry(b"ffffffff-camera-frames-3-50", b'{"return_code": "ok"}'),
        Entry(b"no event id", b'{"return_code": "ok"}'),
        Entry(b"\xff", b'{"return_code": "ok"}'),
        Entry(None, b'{"return_code": "ok"}'),
        Entry(f"{EPOCH}-camera-frames-3-50".encode(), None),
        Entry(FILLER_KEY, b""),
    ]
    assert await ground.skips(4)


async def test_an_entry_that_cannot_be_read_counts_as_done(ground: Ground) -> None:
    ground.log.entries.append(Entry(f"{EPOCH}-camera-frames-3-5".encode(), b"<html>"))
    assert [await ground.skips(offset) for offset in (5, 6)] == [False, True]


async def test_the_log_is_read_once_for_each_partition_and_assignment(ground: Ground) -> None:
    for offset in range(5):
        await ground.skips(offset)
    await ground.skips(0, partition=4)
    await ground.skips(5, generation=2)
    assert ground.log.asked == [(partition, NOW_MS - OVER_MS - 2 * SLACK_MS) for partition in (3, 4, 3)]


async def test_a_much_older_frame_has_it_read_again_from_further_back(ground: Ground) -> None:
    await ground.skips(5)
    await ground.skips(4, age_ms=OVER_MS + SLACK_MS)
    await ground.skips(3, age_ms=OVER_MS + 1 + SLACK_MS)
    assert ground.log.asked == [(3, NOW_MS - OVER_MS - 2 * SLACK_MS), (3, NOW_MS - OVER_MS - 1 - 3 * SLACK_MS)]


async def test_a_frame_waits_until_the_log_can_be_read_and_is_skipped_again(ground: Ground) -> None:
    ground.log.write(5, "too_old")
    ground.log.write(6)
    ground.log.away = True

    def slept() -> None:
        ground.log.away = len(ground.log.asked) < 3

    ground.slept = slept
    assert [await ground.skips(offset) for offset in (5, 6)] == [True, False]
    assert len(ground.log.asked) == 4
    assert ground.now_ms == NOW_MS + 3 * RETRY_MS


async def test_all_frames_wait_for_one_answer(ground: Ground) -> None:
    ground.log.away = True
    waiting, answered = asyncio.Barrier(6), asyncio.Barrier(6)

    async def sleep(_seconds: float) -> None:
        await waiting.wait()
        await answered.wait()

    ground.limit.sleep = sleep
    frames = asyncio.gather(*(ground.skips(offset) for offset in range(5)))
    await waiting.wait()
    assert len(ground.log.asked) == 1
    ground.log.away = False
    ground.now_ms += RETRY_MS
    await answered.wait()
    assert await frames == [True] * 5
    assert len(ground.log.asked) == 2


async def test_whose_partition_is_lost_waits_no_more(ground: Ground) -> None:
    ground.log.away = True

    def slept() -> None:
        ground.outlet.lost = True

    ground.slept = slept
    with pytest.raises(FencedError):
        await ground.skips(5)
    assert len(ground.log.asked) == 1


async def test_patience_ends(ground: Ground) -> None:
    ground.log.away = True
    with pytest.raises(PublishTimeoutError, match="the running log could not be read for 60 s"):
        await ground.skips(5)
    assert ground.now_ms == NOW_MS + 60_000
