import json
from pathlib import Path

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
    assert "made.main.camera-frames does not exist (breaks the promise: every topic is there)" in found.splitlines()

    code, created, _ = facestreams(*options, "topics", "create")
    assert code == ExitCode.DONE
    assert sorted(created.splitlines()) == sorted(f"created {spec.name}" for spec in Topics(prefix="made"))

    assert facestreams(*options, "topics", "create") == (ExitCode.DONE, "", "every topic exists\n")
    assert facestreams(*options, "topics", "verify") == (
        ExitCode.DONE,
        "",
        said_of(broker, "every topic is as promised"),
    )


def said_of(broker: Broker, last: str) -> str:
    """What goes to stderr: what this broker cannot keep, whatever the topics are like, and the end."""
    lines = [f"the {broker.name} broker cannot keep a promise: {sentence}" for sentence in broker.cannot_keep()]
    return "".join(f"{line}\n" for line in (*lines, last))


def test_another_number_of_partitions_is_a_difference(facestreams, topics: Topics) -> None:
    code, found, _ = facestreams("--partitions", "3", "topics", "verify")

    assert code == ExitCode.REFUSED
    assert (
        f"{topics.name('camera-frames')} has 2 partitions, expected 3"
        " (breaks the promise: order holds for each camera)" in found.splitlines()
    )


@pytest.mark.parametrize("command", [("topics",), ("topics", "show")])
def test_topics_are_shown_without_a_command_as_well(facestreams, broker, topics: Topics, command) -> None:
    code, shown, _ = facestreams(*command)

    assert code == ExitCode.DONE
    headings = [line for line in shown.splitlines() if line and not line.startswith(" ")]
    assert [line.split(": ")[0] for line in headings] == [spec.name for spec in topics]
    assert ("a picture's time on the disks is at most 15 min 16 s" in shown) == broker.retains


@pytest.mark.parametrize("command", [("topics",), ("topics", "show")])
def test_topics_are_shown_as_json(facestreams, topics: Topics, command) -> None:
    code, shown, _ = facestreams(*command, "--json")

    assert code == ExitCode.DONE
    assert [json.loads(line)["topic"] for line in shown.splitlines()] == [spec.name for spec in topics]


def test_json_before_a_command_is_not_dropped_in_silence(facestreams) -> None:
    code, shown, said = facestreams("topics", "--json", "verify")

    assert (code, shown) == (ExitCode.USAGE, "")
    assert "behind the command" in said


def test_what_breaks_a_promise_is_shown_and_ends_in_a_refusal(facestreams, topics: Topics) -> None:
    code, shown, _ = facestreams("--replication", "2", "topics", "show")

    assert code == ExitCode.REFUSED
    assert "breaks the promise: nothing is lost" in shown


def test_there_is_nothing_to_mend_and_a_shape_stays(facestreams, topics: Topics) -> None:
    code, done, said = facestreams("--partitions", "3", "topics", "mend", "--yes")

    assert (code, done) == (ExitCode.DONE, "")
    assert said.splitlines()[-1] == "every setting is as declared"


def test_every_account_of_the_file_has_its_topics(
    facestreams, topics: Topics, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "accounts.toml"
    path.write_text("[accounts.acme]\n[accounts.zoo]\npartitions = 1\n")
    monkeypatch.setenv("FACESTREAMS_ACCOUNTS_FILE", str(path))
    acme, zoo = (Topics(prefix=topics.prefix, account=account) for account in ("acme", "zoo"))

    code, created, _ = facestreams("--account", "zoo", "topics", "create")
    assert (code, created.splitlines()) == (ExitCode.DONE, [f"created {spec.name}" for spec in zoo])
    code, created, _ = facestreams("topics", "create")
    assert (code, created.splitlines()) == (ExitCode.DONE, [f"created {spec.name}" for spec in acme])
    assert facestreams("topics", "verify")[0] == ExitCode.DONE

    code, found, _ = facestreams("--partitions", "2", "topics", "verify")
    assert code == ExitCode.REFUSED
    assert {line.split(" ")[0] for line in found.splitlines()} <= {spec.name for spec in zoo}
