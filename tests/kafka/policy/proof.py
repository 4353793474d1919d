"""The whole proof: serve, audit, break each promise, audit, mend."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.kafka.policy.acts import ACTS, Act, purge_stopped
from tests.kafka.policy.ground import Audited, Ground, ground
from tests.kafka.policy.serve import Served, serve
from tests.kafka.policy.topics import Hand

SETTLED_S: Final = 40.0
"""For what is mended, or has been served, to have left the disks."""
LOOK_S: Final = 1.0
PROMISES: Final = range(1, 10)

ONE_BY_ONE: Final = tuple((act,) for act in ACTS)
WAVES: Final = 3
IN_WAVES: Final = tuple(
    tuple(act for act in ACTS if act.broken is not purge_stopped)[first::WAVES] for first in range(WAVES)
)
"""Several promises at a time, each but once in a wave; without the act that takes another worker."""


class NotHeldError(Exception):
    """Nine promises should be held and are not; the message says which, and what the audit found."""


@dataclass(slots=True)
class Row:
    """One promise. caught: the audit named it, and no other, each time that it was broken."""

    promise: str
    held: bool
    caught_when_broken: bool
    evidence: list[str]
    bound_s: float | None


@dataclass(slots=True)
class Proof:
    """failures: what did not come out as it should, in words. served: None where that failed."""

    rows: list[Row] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    served: Served | None = None
    acts: dict[str, list[int]] = field(default_factory=dict)


async def prove(
    directory: Path, *, frames: int, said: Callable[[str], None], waves: Sequence[Sequence[Act]] = ONE_BY_ONE
) -> Proof:
    """frames: how many are served. said: told in a line what is done. waves: what is broken at the same time.

    Raises NotHeldError where nothing can follow.
    """
    proof, caught = Proof(), dict.fromkeys(PROMISES, bool(waves))
    async with ground(directory) as deployment:
        said("a broker, topics and keys are made; a worker starts")
        await deployment.start()
        proof.served = served = await serve(deployment, frames)
        said(f"served: {served.frames} frames and {served.commands} commands, {len(served.receipts)} deletions")
        first = await _nine_held(deployment, "before anything was broken")
        said("nine promises are held; now each is broken")
        hand = Hand(deployment.connection, deployment.topics)
        for wave in waves:
            broken, names = {act.promise for act in wave}, ", ".join(act.name for act in wave)
            said(f"breaking {sorted(broken)}: {names}")
            async with AsyncExitStack() as acts:
                for act in wave:
                    await acts.enter_async_context(act.broken(deployment, hand, served))
                found = await deployment.audit()
            said(f"the audit names {sorted(found.broken)}; it is mended, and the audit repeated")
            proof.acts[names] = sorted(found.broken)
            if found.broken != broken or found.exit_code != 1:
                caught |= dict.fromkeys(broken, False)
                proof.failures.append(f"{names}, which breaks {sorted(broken)} alone: {found.said()}")
            await _nine_held(deployment, f"after {names}, and the repair")
    proof.rows = [_row(first.findings[number], caught[number]) for number in PROMISES]
    return proof


async def _nine_held(deployment: Ground, when: str) -> Audited:
    """The audit, repeated until nine are held: what is on the disks takes its time to go."""
    deadline = time.monotonic() + SETTLED_S
    while (found := await deployment.audit()).held != set(PROMISES):
        if time.monotonic() > deadline:
            raise NotHeldError(f"{when}: {found.said()}")
        await asyncio.sleep(LOOK_S)
    return found


def _row(finding: dict[str, Any], caught: bool) -> Row:
    return Row(
        promise=f"{finding['promise']}. {finding['title']}",
        held=finding["verdict"] == "held",
        caught_when_broken=caught,
        evidence=finding["evidence"],
        bound_s=finding["bound_s"],
    )
