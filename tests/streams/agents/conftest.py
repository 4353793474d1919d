"""An outlet that keeps what it is given, a view that is always current, faces to see."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from models.types import Face, Match, MatchStatus, Quality, Searched
from streams.agents.pool import Pool
from streams.engine.outlet import Output


@dataclass
class Place:
    partition: int
    offset: int


@dataclass
class KeptOutlet:
    """Takes everything; `batches` are the calls, `all` their records.

    too_small: short names of topics for which lanes are told that they take no record of its size.
    """

    batches: list[list[Output]] = field(default_factory=list)
    lost: bool = False
    too_small: set[str] = field(default_factory=set)
    said: dict[str, str] = field(default_factory=dict)

    def insisting(self) -> "KeptOutlet":
        return self

    async def publish(self, outputs: Sequence[Output]) -> list[Place]:
        first = len(self.all)
        self.batches.append(list(outputs))
        return [Place(output.partition or 0, first + number) for number, output in enumerate(outputs)]

    @property
    def all(self) -> list[Output]:
        return [output for batch in self.batches for output in batch]

    def on(self, short: str) -> list[Output]:
        """What went to the topic with this short name."""
        return [output for output in self.all if output.topic.endswith(f".{short}")]


@dataclass
class CurrentView:
    """A view that has always caught up; counts how often it was asked."""

    asked: int = 0

    async def catch_up(self) -> None:
        self.asked += 1

    async def reached(self, partition: int, next_offset: int) -> None:
        pass


@pytest.fixture
def outlet() -> KeptOutlet:
    return KeptOutlet()


@pytest.fixture
def view() -> CurrentView:
    return CurrentView()


@pytest.fixture
def pool() -> Iterator[Pool]:
    """One thread, and a deadline that no test reaches."""
    pool = Pool(1, timeout_s=60, fatal=lambda error: pytest.fail(repr(error)))
    yield pool
    pool.close()


@pytest.fixture
def face():
    def make(
        person: str | None = None,
        track: str = "t0",
        similarity: float = 0.7,
        status: MatchStatus | None = None,
    ) -> Face:
        if status is None:
            status = MatchStatus.UNKNOWN if person is None else MatchStatus.MATCHED
        return Face(
            box_ltwh=np.array([0.1, 0.2, 0.3, 0.4], np.float32),
            landmarks_xy=np.full((5, 2), 0.25, np.float32),
            confidence=0.9,
            quality=Quality(0.8, 60, 0.7, 3.04, None),
            track_id=track,
            match=Match(status, person, similarity, 0.42351, None, 3, Searched.EXACT, "e"),
        )

    return make
