"""The short form of `make policy`: some fifty frames, and the promises broken in waves: no wave breaks all of them."""

from pathlib import Path

import pytest

from tests.kafka.policy.proof import IN_WAVES, PROMISES, prove

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]

FRAMES = 50


def test_no_wave_breaks_all_and_together_they_do() -> None:
    """An audit that says "broken" whatever it sees would be found out."""
    broken = [[act.promise for act in wave] for wave in IN_WAVES]
    assert all(len(set(wave)) == len(wave) < len(PROMISES) // 2 + 1 for wave in broken)
    assert {promise for wave in broken for promise in wave} == set(PROMISES)


async def test_nine_promises_are_held_and_caught_when_they_are_broken(tmp_path: Path) -> None:
    said: list[str] = []
    proof = await prove(tmp_path, frames=FRAMES, said=said.append, waves=IN_WAVES)
    assert proof.failures == [], said
    assert proof.served is not None
    assert proof.served.codes["ok"] == FRAMES * 4 // 5, "a fifth of the frames are faults, and all others are good"
    assert [(row.held, row.caught_when_broken) for row in proof.rows] == [(True, True)] * len(PROMISES)
