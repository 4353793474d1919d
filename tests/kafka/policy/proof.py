"""The whole proof: serve, audit, break each promise, audit, mend."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from streams.wire.records import Receipt
from tests.kafka.policy.acts import ACTS, Act, purge_stopped
from tests.kafka.policy.ground import Audited, Ground, ground
from tests.kafka.policy.serve import Served, serve
from tests.kafka.policy.topics import Hand

SLACK_S: Final = 10.0
"""Beyond the time within which a promise says that it holds: for a machine that others use as well."""
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
        first = await nine_held(deployment, "before anything was broken")
        proof.failures += _failures(served, first)
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
            await nine_held(deployment, f"after {names}, and the repair", mended_s=first.bound_s(1) + SLACK_S)
    proof.rows = [_row(first.findings[number], caught[number]) for number in PROMISES]
    return proof


async def nine_held(deployment: Ground, when: str, *, mended_s: float = 0.0) -> Audited:
    """The audit that sees it; repeated for a moment where not all could be seen.

    mended_s: for how long what was broken may still be found: a picture goes from the disks within the bound.
    """
    begun_at = time.monotonic()
    while True:
        asked_after_s = time.monotonic() - begun_at
        found = await deployment.audit()
        if found.is_clean:
            return found
        if asked_after_s > (mended_s if found.broken else max(mended_s, SLACK_S)):
            raise NotHeldError(f"{when}: {found.said()}")
        await asyncio.sleep(LOOK_S)


def _failures(served: Served, first: Audited) -> list[str]:
    """What came of the requests otherwise than it should, and which deletions took longer than is said."""
    found = []
    if served.codes != served.expected:
        found.append(f"of the requests came {dict(served.codes)}, expected {dict(served.expected)}")
    bound_s = first.bound_s(4)
    found += [
        f"a deletion took {took_s(each)} s, at most {bound_s:g} s are said"
        for each in served.receipts
        if took_s(each) > bound_s
    ]
    return found


def took_s(receipt: Receipt) -> float:
    """From when it was asked for until it was complete."""
    return round((receipt.completed_at_ms - receipt.requested_at_ms) / 1000, 1)


def _row(finding: dict[str, Any], caught: bool) -> Row:
    return Row(
        promise=f"{finding['promise']}. {finding['title']}",
        held=finding["verdict"] == "held",
        caught_when_broken=caught,
        evidence=finding["evidence"],
        bound_s=finding["bound_s"],
    )
