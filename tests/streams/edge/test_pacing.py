import pytest

from streams.edge.pacing import Pacer


class Clock:
    """Goes forward only by sleeping and by `work`."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def work(self, seconds: float) -> None:
        self.now_s += seconds


async def turns(clock: Clock, pacer: Pacer, work_s: list[float]) -> list[float]:
    """When each turn begins, if it takes the given time."""
    begun = []
    for seconds in work_s:
        await pacer.wait()
        begun.append(clock.now_s - 100)
        clock.work(seconds)
    return begun


async def test_turns_are_even_whatever_they_take() -> None:
    clock = Clock()

    begun = await turns(clock, Pacer(4, clock, clock.sleep), [0, 0.1, 0.2, 0, 0])

    assert begun == pytest.approx([0, 0.25, 0.5, 0.75, 1.0])


async def test_a_short_delay_is_caught_up() -> None:
    clock = Clock()

    begun = await turns(clock, Pacer(4, clock, clock.sleep), [0, 0.6, 0, 0, 0])

    assert begun == pytest.approx([0, 0.25, 0.85, 0.85, 1.0])


async def test_a_long_delay_is_not_followed_by_a_burst() -> None:
    clock = Clock()

    begun = await turns(clock, Pacer(4, clock, clock.sleep), [0, 5, 0, 0])

    assert begun == pytest.approx([0, 0.25, 5.25, 5.5])
