"""The short form of `make policy`: some fifty frames, and all promises broken at once."""

from pathlib import Path

import pytest

from tests.kafka.policy.proof import AT_ONCE, PROMISES, prove

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]


async def test_nine_promises_are_held_and_caught_when_they_are_broken(tmp_path: Path) -> None:
    said: list[str] = []
    proof = await prove(tmp_path, frames=50, said=said.append, waves=AT_ONCE)
    assert proof.failures == [], said
    assert [(row.held, row.caught_when_broken) for row in proof.rows] == [(True, True)] * len(PROMISES)
