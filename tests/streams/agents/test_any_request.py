"""Whatever a request's key, headers and value are: one entry in the running log, one account of a failure."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.agents.gallery.commands import CommandReader
from streams.engine.lanes.lane import Lane
from streams.engine.request import Request
from streams.logs.running import running_log_entry
from streams.wire import records
from streams.wire.codes import Code
from streams.wire.headers import Deployment, RequestError
from streams.wire.records import ErrorLogEntry, RunningLogEntry
from streams.wire.topics import FILLER_KEY

from .cameras.test_recognition import agent, observed, recognizer  # noqa: F401  fixtures
from .conftest import KeptOutlet

NAMES = st.sampled_from(
    ["frame_id", "captured_at_ms", "gallery", "account", "uin", "sub_uin", "request_ip", "region", "command", "consent"]
)
TEXTS = st.text(max_size=8).map(str.encode)
VALUES = st.none() | st.binary(max_size=8) | TEXTS | st.sampled_from([b"main", b"eu", b"1", b"default", FILLER_KEY])
HEADERS = st.lists(st.tuples(NAMES | st.text(max_size=4), VALUES), max_size=6).map(tuple)
KEYS = st.none() | TEXTS | st.binary(max_size=8) | st.integers(0, 300).map(lambda length: b"k" * length)
DEPLOYMENT = Deployment(account="main", app_id="77", region="eu")
READER = CommandReader(deployment=DEPLOYMENT, epoch="0a0b0c0d", gallery_names=frozenset({"default", "a/b"}))


def request(key: bytes | None, value: bytes | None, headers: tuple) -> Request:
    return Request("frames", 3, 7, 1000, key, value, headers, 1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=KEYS, value=st.none() | st.binary(max_size=8), headers=HEADERS)
async def test_a_frame_leaves_one_entry_and_one_account(agent, observed, key, value, headers) -> None:  # noqa: F811
    outlet = KeptOutlet()
    await agent.handle(request(key, value, headers), Lane(("frames", 3, key or b""), 0.0), outlet)
    [entry] = [records.decode(output.value, RunningLogEntry) for output in outlet.on("running-log")]
    code = Code(entry.return_code)
    failures = [records.decode(output.value, ErrorLogEntry) for output in outlet.on("error-log")]
    failures += agent.journal.repeats.rest()
    assert [(each.return_code, each.repeats) for each in failures] == ([] if code is Code.OK else [(code, 1)])
    assert len(outlet.on("recognitions")) == (code is Code.OK)
    assert code not in {Code.INTERNAL_ERROR, Code.TIMED_OUT}


@given(key=KEYS, headers=HEADERS, command=st.sampled_from([b"enroll", b"forget", b"shred"]))
def test_a_command_is_read_or_refused_and_can_be_logged_either_way(key, headers, command) -> None:
    given_request = request(key, b"", (("command", command), *headers))
    try:
        read = READER.read(given_request)
    except RequestError:
        read = None
    assert read is None or read.person_id.encode() == key
    entry = running_log_entry(DEPLOYMENT, READER.asked(given_request), Code.BAD_KEY, accessed_at_ms=2000)
    assert records.decode(records.encode(entry), RunningLogEntry) == entry
