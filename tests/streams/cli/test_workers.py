import asyncio
import io
import json

import pytest

from streams.cli import workers
from streams.cli.exit_codes import ExitCode
from streams.edge.broker import started_producer
from streams.wire.connection import Connection
from streams.wire.records import Confirmed, encode
from streams.wire.topics import CONTROL, MS_PER_DAY, MS_PER_SECOND, Topics
from streams.wire.workers import key_of

pytestmark = pytest.mark.broker


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch):
    """Sets this host's clock to so many milliseconds after control took the last word."""

    def at(last_ms: int, silent_ms: int) -> None:
        monkeypatch.setattr(workers, "_now_ms", lambda: last_ms + silent_ms)

    return at


@pytest.fixture
def words(connection: Connection, topics: Topics) -> int:
    """Of three workers; when the last of them was taken, by the broker's clock."""
    return asyncio.run(_speak(connection, topics, {"w1": {"0": 0}, "w2": None, "w3": {"0": 0, "1": 0}}))


async def _speak(connection: Connection, topics: Topics, saved: dict[str, dict[str, int] | None]) -> int:
    producer = await started_producer(connection, max_picture_bytes=0)
    for worker, offsets in saved.items():
        said = Confirmed(worker=worker, applied={}, saved=offsets, written_at_ms=0)
        taken = await producer.send_and_wait(topics.name(CONTROL), encode(said), key=key_of(worker), partition=0)
    await producer.stop()
    return int(taken.timestamp)


def listed(facestreams) -> dict[str, str]:
    """By worker, its state."""
    code, out, _ = facestreams("workers", "--json")
    assert code == ExitCode.DONE
    return {each["worker"]: each["state"] for each in map(json.loads, out.splitlines())}


def test_each_worker_is_listed_with_its_state(facestreams, clock, words: int) -> None:
    clock(words, 3 * MS_PER_DAY)
    code, out, err = facestreams("workers")

    assert (code, err) == (ExitCode.DONE, "3 workers, 0 live\n")
    lines = out.splitlines()
    assert lines[0].startswith("w1: left a snapshot, heard of 3 d")
    assert lines[0].endswith("ago; memory up to date, snapshot up to date")
    assert lines[1].startswith("w2: silent, heard of 3 d")
    assert lines[1].endswith("; memory up to date, no snapshot")
    assert listed(facestreams) == {"w1": "left_snapshot", "w2": "silent", "w3": "left_snapshot"}

    clock(words, MS_PER_SECOND)
    code, out, err = facestreams("workers")
    assert (code, err) == (ExitCode.DONE, "3 workers, 3 live\n")
    assert out.splitlines()[2].startswith("w3: live, heard of 1 s ago;")


def test_the_word_of_one_that_is_gone_is_taken_back(facestreams, clock, words: int) -> None:
    clock(words, MS_PER_DAY)
    code, out, err = facestreams("workers", "gone", "w1", "w2", "--yes")

    assert (code, out) == (ExitCode.DONE, "w1 is gone: its word is taken back\nw2 is gone: its word is taken back\n")
    assert err == (
        "You state that nothing is left of what w1 and w2 held of the account main: no process, no memory of one, and"
        " no snapshot.\n"
    )
    assert listed(facestreams) == {"w3": "left_snapshot"}


@pytest.mark.parametrize(
    ("typed", "code"), [("yes\n", ExitCode.DONE), ("no\n", ExitCode.REFUSED), ("", ExitCode.REFUSED)]
)
def test_it_is_asked_for_what_is_stated(
    facestreams, clock, words: int, monkeypatch: pytest.MonkeyPatch, typed: str, code: ExitCode
) -> None:
    clock(words, MS_PER_DAY)
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))

    assert facestreams("workers", "gone", "w1")[0] == code
    assert ("w1" in listed(facestreams)) == (code is ExitCode.REFUSED)


def test_who_lives_or_is_not_known_is_refused_with_the_others(facestreams, clock, words: int) -> None:
    clock(words, MS_PER_SECOND)
    for named, reason in (("w1", "w1 spoke within the last minute"), ("w9", "no word of w9 stands on control")):
        code, out, err = facestreams("workers", "gone", "w2", named, "--yes")
        assert (code, out) == (ExitCode.REFUSED, "")
        assert err.startswith("nothing was taken back: ")
        assert reason.split()[0] in err
    clock(words, MS_PER_DAY)
    assert facestreams("workers", "gone", "w2", "w9", "--yes")[0] == ExitCode.REFUSED
    assert set(listed(facestreams)) == {"w1", "w2", "w3"}


def test_who_spoke_while_the_question_stood_is_refused(
    facestreams, clock, connection: Connection, topics: Topics, words: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow:
        def readline(self) -> str:
            clock(asyncio.run(_speak(connection, topics, {"w1": {}})), 0)
            return "yes\n"

    clock(words, MS_PER_DAY)
    monkeypatch.setattr("sys.stdin", Slow())

    code, out, err = facestreams("workers", "gone", "w1")
    assert (code, out) == (ExitCode.REFUSED, "")
    assert "w1 spoke within the last minute" in err
    assert "w1" in listed(facestreams)


def test_the_list_alone_is_json(facestreams) -> None:
    assert facestreams("workers", "--json", "gone", "w1")[0] == ExitCode.USAGE
