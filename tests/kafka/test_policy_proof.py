"""What `make policy` takes for a proof: nine promises held at the first look, and again once all is mended in time."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.kafka.policy import proof
from tests.kafka.policy.ground import Audited
from tests.kafka.policy.proof import NotHeldError, nine_held


def audited(*verdicts: str, exit_code: int) -> Audited:
    """The first promises have these verdicts, the others are held."""
    said = [*verdicts, *["held"] * (9 - len(verdicts))]
    return Audited(
        exit_code,
        {
            number: {"verdict": verdict, "breaches": ["b"] * (verdict == "broken"), "unseen": ["u"], "bound_s": None}
            for number, verdict in enumerate(said, 1)
        },
    )


CLEAN = audited(exit_code=0)
BROKEN = audited("broken", exit_code=1)
UNSEEN = audited("not_observable", exit_code=2)


@dataclass
class Deployment:
    """Whose audits are these, one after the other."""

    audits: Iterator[Audited]

    async def audit(self) -> Audited:
        return next(self.audits)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "LOOK_S", 0.0)


async def test_what_is_broken_before_anything_was_broken_is_not_forgiven() -> None:
    with pytest.raises(NotHeldError, match="at first: 1 broken: b"):
        await nine_held(Deployment(iter([BROKEN, CLEAN])), "at first")


async def test_what_is_mended_is_looked_for_again() -> None:
    assert await nine_held(Deployment(iter([BROKEN, UNSEEN, CLEAN])), "then", mended_s=60.0) is CLEAN


async def test_what_could_not_be_seen_is_looked_for_again_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await nine_held(Deployment(iter([UNSEEN, CLEAN])), "at first") is CLEAN
    monkeypatch.setattr(proof, "SLACK_S", -1.0)
    with pytest.raises(NotHeldError, match="at first: 1 not_observable: u"):
        await nine_held(Deployment(iter([UNSEEN, CLEAN])), "at first", mended_s=-1.0)


async def test_nine_held_with_another_exit_code_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "SLACK_S", -1.0)
    with pytest.raises(NotHeldError):
        await nine_held(Deployment(iter([audited(exit_code=1)])), "at first", mended_s=-1.0)
