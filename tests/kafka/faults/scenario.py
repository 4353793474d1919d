"""What a scenario is: a fault that is done to a rig while its cameras publish."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.kafka.broker import Kafka
from tests.kafka.faults.count import Row
from tests.kafka.faults.rig import Rig

QUICK_GROUP: Final = {
    "SESSION_TIMEOUT_S": "3",
    "REBALANCE_TIMEOUT_S": "3",
    "HEARTBEAT_S": "0.5",
    "COMMIT_INTERVAL_S": "0.5",
    "RECOGNIZE_TIMEOUT_S": "1",
}
"""Of the short form: a worker's death is noticed after 3 s instead of 10."""


@dataclass(frozen=True, slots=True)
class Length:
    """How long a scenario takes.

    steps: how often the fault is done. pause_s: between two of them. outage_s: what is away, for so long.
    """

    steps: int
    pause_s: float
    outage_s: float


LONG: Final = Length(steps=6, pause_s=5.0, outage_s=30.0)
SHORT: Final = Length(steps=2, pause_s=2.0, outage_s=5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """name: as the table has it. fault: what is done while the cameras publish.

    ground: makes the Kafka that it needs, in a directory. settings, named, module, listener_of: see Rig.
    long, short: as `make faults` does it, and as the tests do.
    """

    name: str
    fault: Callable[[Rig, Length], Awaitable[None]]
    ground: Callable[[Path], Kafka] = Kafka
    long: Length = LONG
    short: Length = SHORT
    workers: int = 3
    settings: Mapping[str, str] = field(default_factory=dict)
    named: bool = False
    module: str = "streams.cli"
    listener_of: Callable[[str], str] = lambda _name: "PLAINTEXT"


async def run(scenario: Scenario, kafka: Kafka, *, short: bool, frames_per_s: float) -> Row:
    """Three workers, eight cameras, one fault; the row of what came out. Raises RigError."""
    settings = {**(QUICK_GROUP if short else {}), **scenario.settings}
    rig = Rig(
        kafka,
        frames_per_s=frames_per_s,
        settings=settings,
        named=scenario.named,
        module=scenario.module,
        listener_of=scenario.listener_of,
    )
    async with rig:
        for number in range(scenario.workers):
            rig.start(f"worker-{number}")
        await rig.ready()
        await rig.enroll()
        async with rig.cameras():
            await scenario.fault(rig, scenario.short if short else scenario.long)
        return await rig.row(scenario.name)
