"""Jumps of a fetcher, told with where reading was to go on and where it does."""

from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition

from streams.engine.group.positions import Jump, watch_positions

FRAMES = TopicPartition("frames", 3)


class Fetcher:
    """Finds the offset that is asked for, unless it lies outside `start` to `end`."""

    def __init__(self, start: int, end: int) -> None:
        self.start, self.end = start, end

    async def _proc_fetch_request(self, assignment, node_id, request) -> str:
        for topic, partitions in request.topics:
            for number, offset, _ in partitions:
                if not self.start <= offset <= self.end:
                    state = assignment.state_value(TopicPartition(topic, number))
                    state.awaiting_reset, state.position = True, None
        return "fetched"

    async def _update_fetch_positions(self, assignment, node_id, partitions) -> str:
        for partition in partitions:
            state = assignment.state_value(partition)
            if state.awaiting_reset:
                state.awaiting_reset, state.position = False, self.start
        return "updated"


class State:
    def __init__(self, position: int) -> None:
        self.position: int | None = position
        self.awaiting_reset = False

    @property
    def has_valid_position(self) -> bool:
        return self.position is not None


async def read(fetcher: Fetcher, wanted: int, *, active: bool = True, seek: int | None = None) -> list[Jump]:
    jumps: list[Jump] = []
    watch_positions(fetcher, jumps.append)
    state = State(wanted)
    assignment = SimpleNamespace(active=active, state_value={FRAMES: state}.get)
    request = SimpleNamespace(topics=[("frames", [(3, wanted, 1024)])])
    assert await fetcher._proc_fetch_request(assignment, 1, request) == "fetched"
    if seek is not None:
        state.awaiting_reset, state.position = False, seek
    assert await fetcher._update_fetch_positions(assignment, 1, [FRAMES]) == "updated"
    assert await fetcher._update_fetch_positions(assignment, 1, [FRAMES]) == "updated"
    return jumps


async def test_the_start_of_the_log_has_passed_the_offset() -> None:
    [jump] = await read(Fetcher(start=50, end=90), 20)
    assert jump == Jump("frames", 3, wanted=20, found=50)
    assert jump.missed == 30


async def test_the_end_of_the_log_lies_before_the_offset() -> None:
    [jump] = await read(Fetcher(start=0, end=7), 20)
    assert jump == Jump("frames", 3, wanted=20, found=0)
    assert jump.missed == -20


@pytest.mark.parametrize("wanted", [50, 70, 90])
async def test_an_offset_that_is_there_is_no_jump(wanted: int) -> None:
    assert await read(Fetcher(start=50, end=90), wanted) == []


async def test_what_is_not_ours_any_more_is_not_told() -> None:
    assert await read(Fetcher(start=50, end=90), 20, active=False) == []


async def test_a_seek_back_to_where_it_was_is_no_jump_yet() -> None:
    assert await read(Fetcher(start=50, end=90), 20, seek=20) == []


async def test_a_reset_that_a_rebalance_cut_short_is_no_jump_of_the_next_assignment() -> None:
    jumps: list[Jump] = []
    fetcher = Fetcher(start=50, end=90)
    watch_positions(fetcher, jumps.append)
    before, after = (SimpleNamespace(active=True, state_value={FRAMES: State(at)}.get) for at in (20, 10))
    await fetcher._proc_fetch_request(before, 1, SimpleNamespace(topics=[("frames", [(3, 20, 1024)])]))
    await fetcher._update_fetch_positions(after, 1, [FRAMES])
    assert jumps == []
    await fetcher._proc_fetch_request(after, 1, SimpleNamespace(topics=[("frames", [(3, 10, 1024)])]))
    await fetcher._update_fetch_positions(after, 1, [FRAMES])
    assert jumps == [Jump("frames", 3, wanted=10, found=50)]
