import pytest

from streams.cli.exit_codes import ExitCode
from streams.engine.brokers import Broker
from streams.wire.connection import Connection
from streams.wire.topics import Topics

pytestmark = pytest.mark.broker


def test_topics_are_created_once_and_verified(facestreams, broker: Broker, connection: Connection) -> None:
    options = ("--bootstrap-servers", connection.bootstrap_servers, "--prefix", "made", "--partitions", "1")
    options += ("--broker", broker.name)

    code, found, _ = facestreams(*options, "topics", "verify")
    assert code == ExitCode.REFUSED
    assert "made.main.camera-frames does not exist" in found.splitlines()

    code, created, _ = facestreams(*options, "topics", "create")
    assert code == ExitCode.DONE
    assert sorted(created.splitlines()) == sorted(f"created {spec.name}" for spec in Topics(prefix="made"))

    assert facestreams(*options, "topics", "create") == (ExitCode.DONE, "", "every topic exists\n")
    assert facestreams(*options, "topics", "verify") == (ExitCode.DONE, "", "every topic is as promised\n")


def test_another_number_of_partitions_is_a_difference(facestreams, topics: Topics) -> None:
    code, found, _ = facestreams("--partitions", "3", "topics", "verify")

    assert code == ExitCode.REFUSED
    assert f"{topics.name('camera-frames')} has 2 partitions, expected 3" in found.splitlines()
