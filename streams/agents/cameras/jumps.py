"""Where reading does not go on where it was: what expired unread is accounted for; a rewound topic ends the worker.

A topic that is deleted takes the group's commits with it, so that one made anew is read from its start without a jump:
whenever partitions are assigned, the topics' ends are held against how far they were read.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from streams.agents.journal import Journal
from streams.engine.group.positions import Jump
from streams.engine.lanes.lane import Job, Lane, Place
from streams.engine.outlet import Outlet
from streams.engine.topics.admin import AdminError
from streams.engine.topics.reached import Reached, RewoundError
from streams.wire.event_id import EventId

_log = structlog.get_logger(__name__)

FIRST_LOOK_S: Final = 2.0
"""For so long reading waits for the first answer; later looks go on beside it."""
LOOK_AGAIN_S: Final = 5.0


@dataclass(slots=True, kw_only=True)
class Jumps:
    """shorts: short names of the input topics by their full ones. epochs: of the input topics, by short name.

    enqueue: runs a job in a lane. skip: lets the offset behind the jump be committed. check: raises where a topic
    ends below what was read of it. expired: told a topic's short name and how many of its records are gone.
    fatal: told what the worker cannot go on with; nothing may be published or acknowledged after that.
    """

    shorts: Mapping[str, str]
    epochs: Mapping[str, str]
    journal: Journal
    reached: Reached
    enqueue: Callable[[Place, Job], object]
    skip: Callable[[Jump], object]
    check: Callable[[], Awaitable[None]]
    expired: Callable[[str, int], object]
    fatal: Callable[[BaseException], object]
    _told: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    _of_old: dict[tuple[str, int], int] = field(default_factory=dict)
    _checks: set["asyncio.Task[None]"] = field(default_factory=set)
    _look: "asyncio.Task[None] | None" = None

    def assigned(self) -> None:
        """Partitions were assigned: nothing is read on before the ends of the input topics were looked at."""
        self.stop()
        self._look = asyncio.create_task(self._looking())
        first = asyncio.create_task(self._first_look(self._look))
        self._checks.add(first)
        first.add_done_callback(self._checks.discard)

    def stop(self) -> None:
        """Look no more."""
        if self._look is not None:
            self._look.cancel()

    def jumped(self, jump: Jump, generation: int) -> None:
        """Take a jump, under a generation of the group. The same one may come again."""
        if jump.missed > 0:
            self._ahead(jump, generation)
        else:
            self._back(jump)

    async def settled(self) -> None:
        """Wait until nothing stands against reading on."""
        while self._checks:
            await asyncio.wait(self._checks)

    def _ahead(self, jump: Jump, generation: int) -> None:
        place = jump.topic, jump.partition
        told_generation, told_to = self._told.get(place, (generation, 0))
        start = max(jump.wanted, told_to if told_generation == generation else 0)
        self._told[place] = generation, max(jump.found, start)
        short = self.shorts[jump.topic]
        first = EventId(self.epochs[short], short, jump.partition, start)

        async def account(_lane: Lane, outlet: Outlet) -> None:
            if start < jump.found:
                await outlet.insisting().publish([self.journal.expired(first, jump.found)])
                self.expired(short, jump.found - start)
                _log.error(
                    "expired unread", topic=jump.topic, partition=jump.partition, first=start, last=jump.found - 1
                )
            self.skip(jump)

        self.enqueue((*place, b""), account)

    def _back(self, jump: Jump) -> None:
        """The topic was rewound, or was given a new epoch for that and only the committed offset is of the old one."""
        place = jump.topic, jump.partition
        if self.reached.next_offset(*place) and self._of_old.get(place) != jump.wanted:
            where = f"{jump.topic} ends before offset {jump.wanted} in partition {jump.partition}"
            self.fatal(RewoundError(self.shorts[jump.topic], f"{where}, up to which it was read"))
            return
        self._of_old[place] = jump.wanted
        _log.warning("committed beyond the end, reading from the start", topic=jump.topic, partition=jump.partition)
        task = asyncio.create_task(self._checked())
        self._checks.add(task)
        task.add_done_callback(self._checks.discard)

    async def _first_look(self, looking: "asyncio.Task[None]") -> None:
        await asyncio.wait({looking}, timeout=FIRST_LOOK_S)

    async def _looking(self) -> None:
        """Until the brokers have told all ends: a topic that is away, or made anew later, is none of these."""
        while True:
            try:
                await self.check()
            except RewoundError as error:
                self.fatal(error)
                return
            except AdminError as error:
                _log.warning("the ends of the input topics are not known, asking again", reason=str(error))
            except asyncio.CancelledError:
                if (this := asyncio.current_task()) is None or this.cancelling():
                    raise
                _log.warning("the question for the ends of the input topics was cancelled, asking again")
            except Exception as error:  # noqa: BLE001  whatever it is, reading on might overwrite bills
                self.fatal(error)
                return
            else:
                return
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _checked(self) -> None:
        try:
            await self.check()
        except Exception as error:  # noqa: BLE001  whatever it is, reading on might overwrite bills
            self.fatal(error)
