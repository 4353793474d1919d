"""A member of a consumer group without models: engine and lanes as in a worker, and a handler of the test's own.

Run as a program, it is a process that can be killed: its one argument is JSON with the fields of `Plan`.
"""

import asyncio
import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from streams.engine.group.positions import Jump
from streams.engine.group.transport import Engine, GroupSettings
from streams.engine.lanes.lane import Lane
from streams.engine.lanes.lanes import Lanes
from streams.engine.lease import Lease
from streams.engine.outlet import DirectOutlet, Outlet, Output
from streams.engine.request import Request
from streams.wire.connection import Connection

HELD = b"held"
"""A record under this key is not answered while the member holds."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """source, sink: topics. work_s: that a thread is busy with each record. hold: as long as the process lives."""

    bootstrap: str
    source: str
    sink: str
    group: str
    instance_id: str | None = None
    threads: int = 2
    work_s: float = 0.0
    hold: bool = False
    max_in_flight: int = 16
    max_record_bytes: int = 1024 * 1024

    def argument(self) -> str:
        return json.dumps(asdict(self))


@dataclass
class Handler:
    """Writes each record's place to the sink, under the record's key."""

    plan: Plan
    pool: ThreadPoolExecutor
    released: asyncio.Event
    begun: list[tuple[int, int]] = field(default_factory=list)

    async def handle(self, request: Request, lane: Lane, outlet: Outlet) -> None:
        self.begun.append((request.partition, request.offset))
        if self.plan.work_s:
            await asyncio.get_running_loop().run_in_executor(self.pool, time.sleep, self.plan.work_s)
        if request.key == HELD:
            await self.released.wait()
        place = f"{request.partition}/{request.offset}".encode()
        await outlet.publish([Output(topic=self.plan.sink, key=request.key, value=place, partition=0)])

    async def fail(self, request: Request, lane: Lane, outlet: Outlet, error: Exception) -> None:
        raise error


class Member(AbstractAsyncContextManager["Member"]):
    """Started on entering, stopped in order on leaving."""

    def __init__(self, plan: Plan) -> None:
        self.lease = Lease(session_timeout_s=3, rebalance_timeout_s=3)
        self.jumps: list[Jump] = []
        self.failed: list[BaseException] = []
        self.abandoned: list[object] = []
        self._pool = ThreadPoolExecutor(plan.threads)
        self._directory = tempfile.TemporaryDirectory(prefix="member-")
        settings = GroupSettings(
            group_id=plan.group,
            instance_id=plan.instance_id,
            session_timeout_s=3,
            rebalance_timeout_s=3,
            heartbeat_s=0.3,
            commit_interval_s=0.2,
            max_record_bytes=plan.max_record_bytes,
            data_dir=Path(self._directory.name),
        )
        self.partitions: set[int] = set()
        self.engine = Engine(settings, Connection(plan.bootstrap), self.lease, self._assigned)
        self.released = asyncio.Event()
        if not plan.hold:
            self.released.set()
        self.handler = Handler(plan, self._pool, self.released)
        self.lanes = Lanes(
            {plan.source: self.handler},
            outlet=self._outlet,
            lease=self.lease,
            acknowledge=self.engine.acknowledge,
            abandon=self._abandon,
            fatal=self.failed.append,
            max_in_flight=plan.max_in_flight,
            max_lanes=100,
        )
        self.engine.on_jumps(self._jumped)
        self.engine.on_requests((plan.source,), self._ready, self.lanes.submit)
        self.engine.read_behind(self.lanes)

    def _outlet(self, _topic: str, _partition: int, generation: int) -> Outlet:
        return DirectOutlet(self.engine.send, self.lease, generation, timeout_s=30)

    async def __aenter__(self) -> Self:
        await self.engine.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        await self.engine.stop()
        self._pool.shutdown()
        self._directory.cleanup()

    async def _ready(self) -> None:
        """There is no view to wait for."""

    def _assigned(self, partitions, generation: int) -> None:
        self.partitions = {partition for _, partition in partitions}
        self.lanes.assigned(partitions, generation)

    def _abandon(self, token: object) -> None:
        self.abandoned.append(token)
        self.engine.abandon(token)

    def _jumped(self, jump: Jump, generation: int) -> None:
        if jump not in self.jumps:
            self.jumps.append(jump)
        if jump.missed > 0:
            self.engine.skip(jump)


async def main(plan: Plan) -> None:
    async with Member(plan):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Plan(**json.loads(sys.argv[1]))))
