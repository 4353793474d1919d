"""The workers of an account, by their own words on control; and taking back the words of those whose hosts are gone."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from streams.access.closing import let_go
from streams.edge.broker import reaching, require_topics, started_producer
from streams.edge.through import ends_of, read_through
from streams.wire.connection import Connection
from streams.wire.rights import Role
from streams.wire.topics import CONTROL, FACE_FEATURES, Topics
from streams.wire.workers import SILENT_AFTER_MS, Heard, WorkersView, covers, key_of

State = Literal["live", "silent", "left_snapshot"]


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker said last.

    heard_at_ms: when control took it, by the broker's clock. silent_ms: since then. memory: whether it had carried out
    all that face-features holds now. snapshot: whether it keeps one, and whether that is as far.
    state: `live`: heard of within the last minute. `silent`: not. `left_snapshot`: not, and its snapshot may still lie
    where it ran.
    """

    worker: str
    heard_at_ms: int
    silent_ms: int
    memory: Literal["up_to_date", "behind"]
    snapshot: Literal["no", "yes", "behind"]
    state: State


async def read_workers(connection: Connection, topics: Topics, *, exact_ends: bool, now_ms: int) -> list[Worker]:
    """All whose words stand on control, by their ids. exact_ends, errors: as `read_through`.

    now_ms: milliseconds since 1970.
    """
    await require_topics(connection, topics, Role.OPERATOR, FACE_FEATURES)
    # asked for before the words are read: nobody is behind for what was written meanwhile
    ends = await ends_of(connection, topics.name(FACE_FEATURES))
    view = WorkersView()

    def take(record: Any) -> None:
        with suppress(ValueError):  # no worker can read it either
            view.apply(record)

    await read_through(connection, topics, CONTROL, take, role=Role.OPERATOR, exact_ends=exact_ends)
    reached = {str(partition.partition): end for partition, end in ends.items()}
    return sorted((worker_of(heard, reached, now_ms) for heard in view.all()), key=lambda each: each.worker)


def worker_of(heard: Heard, reached: Mapping[str, int], now_ms: int) -> Worker:
    """What this word says at this time. reached: where each partition of face-features ends."""
    saved, silent_ms = heard.said.saved, max(0, now_ms - heard.at_ms)
    state: State = "silent" if saved is None else "left_snapshot"
    return Worker(
        worker=heard.said.worker,
        heard_at_ms=heard.at_ms,
        silent_ms=silent_ms,
        memory="up_to_date" if covers(heard.said.applied, reached) else "behind",
        snapshot="no" if saved is None else "yes" if covers(saved, reached) else "behind",
        state="live" if silent_ms <= SILENT_AFTER_MS else state,
    )


def why_not_gone(known: Sequence[Worker], workers: Sequence[str]) -> str | None:
    """Why the words of these workers are not to be taken back, in one sentence; None: they may be."""
    if unknown := sorted(set(workers) - {each.worker for each in known}):
        return f"no word of {' and '.join(unknown)} stands on control"
    if live := [each.worker for each in known if each.worker in workers and each.state == "live"]:
        return f"{' and '.join(live)} spoke within the last minute: stop the process first, and wait for that long"
    return None


async def take_back(connection: Connection, topics: Topics, workers: Sequence[str]) -> None:
    """Take these workers' words from control: deletions neither wait for them nor name them any more.

    One that lives all the same speaks again within seconds. Raises BrokerUnreachableError, BrokerRefusedError or
    TopicMissingError.
    """
    await require_topics(connection, topics, Role.OPERATOR, CONTROL)
    producer = await started_producer(connection, max_picture_bytes=0)
    try:
        with reaching(connection):
            for worker in workers:
                await producer.send_and_wait(topics.name(CONTROL), None, key=key_of(worker), partition=0)
    finally:
        await let_go(producer)
