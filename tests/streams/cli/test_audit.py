import asyncio
import json
import re
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from models.gallery.keys import KeyDirectory
from streams.cli.audit import NOT_OBSERVABLE
from streams.cli.exit_codes import ExitCode
from streams.wire.connection import Connection
from streams.wire.topics import ERROR_LOG, RECOGNITIONS, Topics

pytestmark = pytest.mark.broker


async def publish(connection: Connection, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(**connection.client_options()) as producer:
        await producer.send_and_wait(topic, value, key=b"lobby")


def test_where_nothing_has_happened_nothing_is_held(facestreams, topics: Topics) -> None:
    code, shown, said = facestreams("audit", "--json")

    assert code == NOT_OBSERVABLE
    findings = [json.loads(line) for line in shown.splitlines()]
    assert [finding["promise"] for finding in findings] == list(range(1, 10))
    assert "held" not in {finding["verdict"] for finding in findings if finding["promise"] != 6}
    assert all(finding["unseen"] for finding in findings if finding["verdict"] == "not_observable")
    assert said.startswith("no key directory at ")


def test_a_broken_promise_is_named_with_its_place(facestreams, topics: Topics, connection: Connection) -> None:
    asyncio.run(publish(connection, topics.name(RECOGNITIONS), b'{"thumbnail":"/9j/4AAQSkZJRgABAQAAAQABAAD"}'))

    code, shown, _ = facestreams("audit")

    assert code == ExitCode.REFUSED
    heading, breach, *_ = shown.splitlines()
    assert heading.startswith("1. no image at rest")
    assert heading.endswith(": broken")
    assert breach.startswith("   broken: a picture in a record of an output topic: recognitions-")


def test_what_it_prints_never_holds_what_it_found(facestreams, topics: Topics, connection: Connection) -> None:
    asyncio.run(publish(connection, topics.name(ERROR_LOG), b'{"detail":"ada.lovelace"}'))

    code, shown, said = facestreams("audit", "--json")

    assert code == ExitCode.REFUSED
    assert "ada.lovelace" not in shown + said


def test_keys_may_lie_elsewhere(facestreams, topics: Topics, tmp_path: Path) -> None:
    KeyDirectory.create(tmp_path / "elsewhere")
    _, shown, said = facestreams("audit", "--key-dir", tmp_path / "elsewhere")
    assert said == ""
    assert "no key directory" not in shown


def test_directories_that_are_not_there_are_a_wrong_command_line(facestreams, tmp_path: Path) -> None:
    code, shown, said = facestreams("audit", "--broker-data", tmp_path / "nowhere")
    assert (code, shown) == (ExitCode.USAGE, "")
    assert "nowhere" in "".join(re.findall(r"[^\s│]+", said)), "in a box, whose lines end anywhere"
