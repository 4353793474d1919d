"""`facestreams log` on each broker: names to who holds the keys, and how many are erased."""

import asyncio
import json
import signal
import time
from pathlib import Path

import pytest

from models.gallery.keys import KeyDirectory
from models.gallery.person import PersonSecret
from streams.agents.sealing import seal_person
from streams.cli.exit_codes import ExitCode
from streams.edge.broker import started_producer
from streams.wire.connection import Connection
from streams.wire.event_id import EventId
from streams.wire.feature_keys import FeatureKey
from streams.wire.records import LoggedFace, LoggedPerson, RunningLogEntry, encode
from streams.wire.topics import FACE_FEATURES, RUNNING_LOG, Topics

pytestmark = pytest.mark.broker

DAY_MS = 1_793_491_200_000  # 2026-11-01
REFERENCES = {"ada": "0a" * 16, "ben": "0b" * 16}


class Ground:
    """An account with keys, whose running log and gallery the test writes."""

    def __init__(self, connection: Connection, topics: Topics, keys: KeyDirectory) -> None:
        self._connection = connection
        self._topics = topics
        self._keys = keys
        self._data_keys = {person_id: keys.new_data_key() for person_id in REFERENCES}
        self.options = ("--key-dir", keys.path)

    def write(self, short: str, partition: int, key: bytes, value: bytes | None) -> None:
        async def send() -> None:
            producer = await started_producer(self._connection, max_picture_bytes=1000)
            await producer.send_and_wait(self._topics.name(short), value, key=key, partition=partition)
            await producer.stop()

        asyncio.run(send())

    def enroll(self, person_id: str) -> None:
        place = FeatureKey("default", REFERENCES[person_id])
        secret = PersonSecret(self._data_keys[person_id], person_id).encode()
        wrapped = self._keys.wrap(secret, place=place.encode())
        self.write(FACE_FEATURES, place.partition(2), place.encode(), wrapped)

    def erase(self, person_id: str) -> None:
        place = FeatureKey("default", REFERENCES[person_id])
        self.write(FACE_FEATURES, place.partition(2), place.encode(), None)

    def log(self, offset: int, *names: str, interface: str = "recognize", accessed_at_ms: int = DAY_MS) -> None:
        event_id = str(EventId("0a0b0c0d", "camera-frames", 0, offset))
        at_ms = DAY_MS + offset
        face = LoggedFace(track_id="t1", status="matched", similarity=0.7)
        persons = [
            seal_person(
                self._data_keys[name],
                LoggedPerson(gallery="default", person_id=name, results=[face]),
                event_id=event_id,
                requested_at_ms=at_ms,
            )
            for name in names
        ]
        entry = RunningLogEntry(
            event_id=event_id,
            request_interface=interface,
            account="main",
            app_id="77",
            uin=None,
            sub_uin=None,
            region="eu",
            request_ip=None,
            request_id=None,
            camera_id="lobby",
            gallery="default",
            requested_at_ms=at_ms,
            accessed_at_ms=accessed_at_ms,
            billed=True,
            return_code="ok",
            persons=persons,
            results=[],
        )
        self.write(RUNNING_LOG, 0, event_id.encode(), encode(entry))


@pytest.fixture
def ground(connection: Connection, topics: Topics, tmp_path: Path) -> Ground:
    return Ground(connection, topics, KeyDirectory.create(tmp_path / "keys"))


def lines(out: str) -> list[tuple[int, list[str], int]]:
    """Offset, persons and number of the erased, of each line."""
    found = [json.loads(line) for line in out.splitlines()]
    return [
        (
            EventId.parse(each["event_id"]).offset,
            [person["person_id"] for person in each["persons"]],
            each["erased"],
        )
        for each in found
    ]


def test_names_whom_it_can_and_counts_who_is_erased(facestreams, ground: Ground) -> None:
    assert facestreams(*ground.options, "log") == (ExitCode.DONE, "", "")
    ground.enroll("ada")
    ground.enroll("ben")
    ground.log(0, "ada", "ben")
    ground.log(1, "ben", interface="enroll")
    ground.log(2)
    code, out, err = facestreams(*ground.options, "log")
    assert (code, err) == (ExitCode.DONE, "")
    assert [(offset, sorted(names), erased) for offset, names, erased in lines(out)] == [
        (0, ["ada", "ben"], 0),
        (1, ["ben"], 0),
        (2, [], 0),
    ]

    ground.erase("ben")
    assert lines(facestreams(*ground.options, "log")[1]) == [(0, ["ada"], 1), (1, [], 1), (2, [], 0)]


def test_shows_what_is_asked_for(facestreams, ground: Ground) -> None:
    ground.enroll("ada")
    for offset, names in enumerate([("ada",), (), ("ada",), ("ben",)]):
        ground.log(offset, *names, interface="enroll" if offset == 2 else "recognize")

    def shown(*options: str) -> list[int]:
        return [offset for offset, _, _ in lines(facestreams(*ground.options, "log", *options)[1])]

    assert shown("--person", "ada") == [0, 2]
    assert shown("--person", "ben") == [], "nobody holds the key any more"
    assert shown("--interface", "enroll") == [2]
    assert shown("--from", "2026-11-01T00:00:00.001Z", "--to", "2026-11-01T00:00:00.003Z") == [1, 2]
    assert facestreams(*ground.options, "log", "--interface", "nonsense")[0] == ExitCode.USAGE


def test_what_is_no_entry_is_said(facestreams, ground: Ground) -> None:
    ground.write(RUNNING_LOG, 0, b"x", b"<html>")
    code, out, err = facestreams(*ground.options, "log")
    assert (code, out, err) == (ExitCode.REFUSED, "", "1 records of running-log cannot be read\n")


@pytest.mark.parametrize("broker", ["kafka"], indirect=True)
def test_follows_and_learns_of_who_is_enrolled_meanwhile(started, ground: Ground) -> None:
    ground.log(0)
    process = started(*ground.options, "log", "--follow")
    assert lines(process.stdout.readline()) == [(0, [], 0)]
    ground.enroll("ada")
    ground.log(1, "ada", accessed_at_ms=time.time_ns() // 1_000_000)
    assert lines(process.stdout.readline()) == [(1, ["ada"], 0)]
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == ExitCode.DONE
