"""What is not answered when the lease is over is taken back; what needs no lease, and what is idle, is left alone."""

import asyncio
import socket
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from aiokafka.conn import CloseReason
from aiokafka.protocol.metadata import MetadataRequest_v1
from aiokafka.protocol.produce import ProduceRequest_v3
from faust.transport.drivers import aiokafka as driver

from streams.engine.group import unanswered
from streams.engine.group.batches import LeasedProducer
from streams.engine.group.unanswered import reset, take_back, watch_unanswered
from streams.engine.lease import Lease

FREE = "error-log"


def produce(*topics: str) -> ProduceRequest_v3:
    return ProduceRequest_v3(None, -1, 1000, [(topic, [(0, b"")]) for topic in topics])


@dataclass
class Connection:
    """No socket under it; remembers why it was closed."""

    _requests: list[tuple[int | None, object, None]]
    _writer: None = None
    closed: CloseReason | None = None

    def close(self, reason: CloseReason) -> None:
        self.closed = reason


@dataclass
class Client:
    _conns: dict[str, Connection] = field(default_factory=dict)

    def owing(self, name: str, *requests: object) -> Connection:
        self._conns[name] = Connection([(number, request, None) for number, request in enumerate(requests)])
        return self._conns[name]


def test_only_connections_that_owe_an_answer_to_an_output_are_reset() -> None:
    client = Client()
    kept = [
        client.owing("idle"),
        client.owing("metadata", MetadataRequest_v1([])),
        client.owing("a step of SASL", None),
        client.owing("needs no lease", produce(FREE)),
    ]
    lost = [client.owing("one", produce("sightings")), client.owing("mixed", produce(FREE), produce(FREE, "visits"))]
    take_back(client, {FREE})
    assert [connection.closed for connection in kept] == [None] * 4
    assert [connection.closed for connection in lost] == [CloseReason.CONNECTION_BROKEN] * 2


@pytest.mark.parametrize("end", ["time", "membership"])
async def test_is_taken_back_when_the_lease_ends_and_not_before(end, monkeypatch) -> None:
    monkeypatch.setattr(unanswered, "LOOK_S", 0)
    now_s = 0.0
    lease = Lease(session_timeout_s=10, rebalance_timeout_s=6, clock=lambda: now_s)
    lease.assign(1)
    client = Client()
    connection = client.owing("one", produce("sightings"))
    watching = asyncio.create_task(watch_unanswered(client, lease, {FREE}))
    for _ in range(10):
        await asyncio.sleep(0)
    assert connection.closed is None
    if end == "time":
        now_s = 5.5
    else:
        lease.member_lost()
    for _ in range(10):
        await asyncio.sleep(0)
    watching.cancel()
    assert connection.closed is CloseReason.CONNECTION_BROKEN


async def test_a_reset_makes_the_kernel_forget_what_it_has_not_delivered() -> None:
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        _, writer = await asyncio.open_connection("127.0.0.1", listening.getsockname()[1])
        accepted, _ = listening.accept()
    with accepted:
        accepted.setblocking(False)
        reset(Connection([], _writer=writer))  # type: ignore[arg-type]
        with pytest.raises(ConnectionResetError):  # and not the end of the stream, as after a close
            await loop.sock_recv(accepted, 100)


def test_a_connection_without_a_socket_is_closed_all_the_same() -> None:
    connection = Connection([])
    reset(connection)
    assert connection.closed is CloseReason.CONNECTION_BROKEN


async def test_faust_s_producer_watches_from_its_start_and_cuts_off_when_told(monkeypatch) -> None:
    started: list[object] = []

    async def on_start(self: object) -> None:
        started.append(self)

    monkeypatch.setattr(driver.Producer, "on_start", on_start)
    monkeypatch.setattr(unanswered, "LOOK_S", 0)
    watched: list[asyncio.Task[None]] = []
    lease = Lease(session_timeout_s=10, rebalance_timeout_s=6, clock=lambda: 0.0)
    lease.assign(1)
    client = Client()
    producer = object.__new__(LeasedProducer)
    producer.app = SimpleNamespace(lease=lease, unleased={FREE})
    producer._producer = None
    producer.cut_off()  # before its start there is nothing to cut off
    accumulator = SimpleNamespace(_append_batch=None)
    sender = SimpleNamespace(_send_produce_req=None)
    producer._producer = SimpleNamespace(client=client, _message_accumulator=accumulator, _sender=sender)
    producer.add_future = lambda watch: watched.append(asyncio.ensure_future(watch))
    await producer.on_start()
    assert started == [producer]

    told = client.owing("told", produce("sightings"))
    producer.cut_off()
    assert told.closed is CloseReason.CONNECTION_BROKEN
    late = client.owing("late", produce("sightings"))
    lease.member_lost()
    for _ in range(10):
        await asyncio.sleep(0)
    watched[0].cancel()
    assert late.closed is CloseReason.CONNECTION_BROKEN
