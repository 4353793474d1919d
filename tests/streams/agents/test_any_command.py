"""Whatever a command's key, headers and value are: one running-log entry, one answer, one account of a failure."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.engine.request import Request
from streams.logs.billed import BILLED, Billed
from streams.wire import records
from streams.wire.codes import Code
from streams.wire.records import ErrorLogEntry, GalleryEvent, RunningLogEntry
from streams.wire.topics import FILLER_KEY

from .gallery.test_enrollment import Broker, agent, keys, known, recognizer  # noqa: F401  fixtures

COMMANDS = {
    b"enroll": "enroll",
    b"forget": "forget",
    b"forget_gallery": "forget",
    b"forget_account": "forget",
}
TEXTS = st.text(max_size=8).map(str.encode)
COMMAND = st.sampled_from([*COMMANDS, b"Enroll", b"erase", b"\xff"]) | TEXTS
NAMES = st.sampled_from(["person_id", "gallery", "account", "region", "consent", "consent_basis", "request_id", "uin"])
VALUES = st.none() | TEXTS | st.sampled_from([b"main", b"eu", b"default", b"of_age", b"form", b"ada", FILLER_KEY])
OTHERS = st.lists(st.tuples(NAMES | st.text(max_size=4), VALUES), max_size=6)
HEADERS = st.tuples(st.lists(COMMAND.map(lambda value: ("command", value)), max_size=2), OTHERS)
KEYS = st.none() | TEXTS | st.sampled_from([b"ada", b"default", b"main", b"k" * 300, FILLER_KEY])
PICTURES = st.sampled_from([None, b"", b"picture", b"no picture"])
_offsets = iter(range(10**9))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=KEYS, value=PICTURES, headers=HEADERS.map(lambda parts: (*parts[0], *parts[1])))
async def test_a_command_leaves_one_entry_one_answer_and_one_account(agent, key, value, headers) -> None:  # noqa: F811
    kept = Broker(agent)
    offset = next(_offsets)
    await agent.handle(Request("commands", 0, offset, 1000 + offset, key, value, headers, 1), None, kept)
    [entry] = on(kept, "running-log", RunningLogEntry)
    [answer] = on(kept, "gallery-events", GalleryEvent)
    failures = on(kept, "error-log", ErrorLogEntry) + agent.journal.repeats.rest()
    assert (entry.event_id, entry.return_code) == (answer.event_id, answer.code)
    assert [(each.return_code, each.repeats) for each in failures] == ([] if answer.accepted else [(answer.code, 1)])
    assert entry.request_interface == interface(headers)
    assert BILLED[Code(answer.code)] in (Billed.YES if entry.billed else Billed.NO, Billed.IF_DECODED)


def on(kept: Broker, short: str, kind):
    return [records.decode(each.value, kind) for each in kept.written if each.topic.endswith(f".{short}")]


def interface(headers) -> str:
    """As far as it can be read: one that is there twice, or is nothing that we know, is unknown."""
    given = [value for name, value in headers if name == "command"]
    return COMMANDS.get(given[0], "unknown") if len(given) == 1 else "unknown"


@pytest.mark.parametrize("command", [None, b"erase", b"\xff", b""])
async def test_a_command_that_cannot_be_read_is_there_as_unknown(agent, command: bytes | None) -> None:  # noqa: F811
    kept = Broker(agent)
    headers = () if command is None else (("command", command),)
    await agent.handle(Request("commands", 0, 1, 1000, b"ada", b"", headers, 1), None, kept)
    [entry] = on(kept, "running-log", RunningLogEntry)
    assert (entry.request_interface, entry.billed, entry.persons) == ("unknown", False, [])
