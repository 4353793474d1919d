"""`facestreams bill` on each broker: the same to the byte, whatever is delivered again, compacted or erased."""

import asyncio
import json
import time
from collections.abc import Iterable
from functools import partial

import msgspec
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.cli.exit_codes import ExitCode
from streams.edge.broker import started_producer
from streams.edge.through import read_through
from streams.logs import billing
from streams.wire.connection import Connection
from streams.wire.event_id import EventId
from streams.wire.records import RunningLogEntry, SealedPerson, encode
from streams.wire.rights import Role
from streams.wire.topics import FILLER_KEY, RUNNING_LOG, Topics

pytestmark = pytest.mark.broker

DAY_MS = 1_793_491_200_000  # 2026-11-01
DAY = ("--from", "2026-11-01", "--to", "2026-11-02")
HEAD = "account,app_id,region,from,to,uin,sub_uin,request_interface,requests,billed\n"
OF_ALL = "main,77,eu,2026-11-01T00:00:00.000Z,2026-11-02T00:00:00.000Z"


def entry(partition: int, offset: int, **said) -> RunningLogEntry:
    fields = {
        "request_interface": "recognize",
        "uin": "100001",
        "billed": True,
        "requested_at_ms": DAY_MS + offset,
        "persons": [SealedPerson(locator="0123456789abcdef", text="AdYZ")],
    } | said
    return RunningLogEntry(
        event_id=str(EventId("0a0b0c0d", "camera-frames", partition, offset)),
        account="main",
        app_id="77",
        sub_uin=None,
        region="eu",
        request_ip=None,
        request_id=None,
        camera_id="lobby",
        gallery="default",
        accessed_at_ms=DAY_MS,
        return_code="ok",
        results=[],
        **fields,
    )


ENTRIES = [
    entry(0, 3),
    entry(0, 5, billed=False),
    entry(0, 4, uin=None),
    entry(1, 0, request_interface="enroll"),
    entry(1, 1, requested_at_ms=DAY_MS - 1),
    entry(1, 2, requested_at_ms=DAY_MS + 86_400_000),
]
ROWS = f"{OF_ALL},,,recognize,1,1\n{OF_ALL},100001,,enroll,1,1\n{OF_ALL},100001,,recognize,2,1\n"


@pytest.fixture
def write(connection: Connection, topics: Topics):
    async def send(written: Iterable[tuple[int, bytes, bytes | None]]) -> None:
        producer = await started_producer(connection, max_picture_bytes=1000)
        for partition, key, value in written:
            await producer.send_and_wait(topics.name(RUNNING_LOG), value, key=key, partition=partition)
        await producer.stop()

    return lambda written: asyncio.run(send(written))


@pytest.fixture
def bill(facestreams, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FACESTREAMS_APP_ID", "77")
    monkeypatch.setenv("FACESTREAMS_REGION", "eu")
    return lambda *more: facestreams("bill", *(more if "--from" in more else (*DAY, *more)))


def as_written(entries: Iterable[RunningLogEntry]) -> list[tuple[int, bytes, bytes | None]]:
    return [(EventId.parse(each.event_id).partition, each.event_id.encode(), encode(each)) for each in entries]


def test_twice_the_same_and_unchanged_by_what_is_delivered_again_without_the_persons(bill, write) -> None:
    assert bill() == (ExitCode.DONE, HEAD, "")
    write(as_written(ENTRIES))
    first = bill()
    assert first == (ExitCode.DONE, HEAD + ROWS, "")

    again = [msgspec.structs.replace(each, persons=[], accessed_at_ms=DAY_MS + 9) for each in reversed(ENTRIES)]
    write([*as_written(again), (0, FILLER_KEY, b""), (1, FILLER_KEY, b"")])
    assert bill() == bill() == first


AT_ONCE = {
    "cleanup.policy": "compact",
    "segment.ms": "100",
    "max.compaction.lag.ms": "1",
    "file.delete.delay.ms": "1000",
}


@pytest.mark.parametrize("broker", ["kafka"], indirect=True)
def test_compaction_changes_nothing(bill, write, connection: Connection, topics: Topics) -> None:
    asyncio.run(alter(connection, topics.name(RUNNING_LOG), AT_ONCE))
    write(as_written(ENTRIES))
    before = bill()
    assert before == (ExitCode.DONE, HEAD + ROWS, "")
    write(as_written(ENTRIES[::-1]))
    deadline = time.monotonic() + 30
    while asyncio.run(standing(connection, topics)) > len(ENTRIES):
        assert time.monotonic() < deadline, "the broker does not compact"
        write([(partition, FILLER_KEY, b"") for partition in range(topics.partitions)])  # so that a segment is closed
        time.sleep(0.3)
    assert bill() == before


async def alter(connection: Connection, topic: str, settings: dict[str, str]) -> None:
    client = AIOKafkaAdminClient(**connection.client_options())
    await client.start()
    try:
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=settings)])
    finally:
        await client.close()


async def standing(connection: Connection, topics: Topics) -> int:
    """How many entries stand in the log."""
    found: list[bytes] = []
    await read_through(
        connection,
        topics,
        RUNNING_LOG,
        lambda record: found.append(record.key),
        role=Role.BILLER,
        exact_ends=True,
    )
    return len(found)


def test_as_json_it_has_the_sums(bill, write) -> None:
    write(as_written(ENTRIES))
    code, out, _ = bill("--format", "json", "--user", "100001")
    found = json.loads(out)
    assert (code, found["requests"], found["billed"], found["from_ms"]) == (ExitCode.DONE, 3, 2, DAY_MS)
    assert [(line["request_interface"], line["requests"]) for line in found["lines"]] == [
        ("enroll", 1),
        ("recognize", 2),
    ]


def test_what_cannot_be_read_is_said(bill, write) -> None:
    write([*as_written(ENTRIES), (0, b"x", b"<html>")])
    code, out, err = bill()
    assert (code, out) == (ExitCode.REFUSED, HEAD + ROWS)
    assert err == "1 records of running-log cannot be read: the bill may lack requests\n"


def test_a_bill_that_could_be_wrong_is_none(bill, write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(billing, "Billing", partial(billing.Billing, most_gaps=1))
    write(as_written([entry(0, 5), entry(0, 7), entry(0, 3)]))
    code, out, err = bill()
    assert (code, out) == (ExitCode.REFUSED, "")
    assert "stands too far behind" in err


@pytest.mark.parametrize(
    "when",
    [("--from", "2026-11-02", "--to", "2026-11-01"), ("--from", "2026-11-01", "--to", "2026-11-01"), ("--from", "x")],
)
def test_no_time_at_all_is_usage(bill, when: tuple[str, ...]) -> None:
    assert bill(*when)[0] == ExitCode.USAGE
