"""A producer that the test answers for, and requests."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from streams.engine.lease import Lease
from streams.engine.outlet import Output
from streams.engine.request import Request


@dataclass
class Place:
    partition: int
    offset: int


@dataclass
class Producer:
    """Takes outputs; `refuse` of them fail first; with `hold` the answers wait for `release`."""

    refuse: int = 0
    hold: bool = False
    taken: list[Output] = field(default_factory=list)
    waiting: list[asyncio.Future] = field(default_factory=list)

    async def send(self, output: Output) -> asyncio.Future:
        answer = asyncio.get_running_loop().create_future()
        if self.refuse:
            self.refuse -= 1
            answer.set_exception(RuntimeError("refused"))
            return answer
        self.taken.append(output)
        if self.hold:
            self.waiting.append(answer)
        else:
            answer.set_result(Place(0, len(self.taken) - 1))
        return answer

    def release(self) -> None:
        for answer in self.waiting:
            answer.set_result(Place(0, 0))
        self.waiting.clear()


@pytest.fixture
def producer() -> Producer:
    return Producer()


@pytest.fixture
def lease() -> Lease:
    lease = Lease(session_timeout_s=10, rebalance_timeout_s=6, clock=lambda: 0.0)
    lease.assign(1)
    return lease


@pytest.fixture
def request_at() -> Callable[..., Request]:
    def make(offset: int, key: bytes = b"lobby", partition: int = 0, generation: int = 1) -> Request:
        return Request("frames", partition, offset, 1000 + offset, key, b"x", (), generation, token=offset)

    return make
