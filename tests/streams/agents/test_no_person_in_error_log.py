"""No person's id gets into the error log, wherever a sender puts it: key, headers, their names, a failure's text."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.agents.cameras.recognition import RecognitionAgent
from streams.agents.gallery.commands import CommandReader
from streams.agents.journal import Journal
from streams.engine.lanes.lane import Lane
from streams.engine.request import Request
from streams.logs.error import WITHHELD, Repeats
from streams.wire import records
from streams.wire.codes import Code
from streams.wire.headers import KNOWN, Deployment, RequestError
from streams.wire.topics import Topics

from .cameras.test_recognition import agent, observed, recognizer  # noqa: F401  fixtures
from .conftest import KeptOutlet

PERSON = "ada-7c1d3e"
NAMES = st.sampled_from(sorted(KNOWN)) | st.just(PERSON) | st.text(max_size=4)
VALUES = st.just(PERSON.encode()) | st.sampled_from([b"main", b"eu", b"enroll", b"forget", b"forget_gallery", b"\xff"])
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=8).map(tuple)
KEYS = st.sampled_from([PERSON.encode(), b"lobby", None])
DEPLOYMENT = Deployment(account="main", app_id="77", region="eu")
READER = CommandReader(deployment=DEPLOYMENT, epoch="0a0b0c0d", gallery_names=frozenset({"default"}))
ERRORS = st.sampled_from([ValueError(PERSON), KeyError(PERSON), UnicodeDecodeError("utf-8", PERSON.encode(), 0, 1, "")])


def journal(enrolled: set[str]) -> Journal:
    return Journal(
        topics=Topics(),
        deployment=DEPLOYMENT,
        repeats=Repeats(1e9),
        clock_ms=lambda: 2000,
        is_person=enrolled.__contains__,
    )


def error_log(kept: KeptOutlet) -> list[bytes]:
    return [output.value for output in kept.on("error-log")]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=KEYS, value=st.sampled_from([None, b"", PERSON.encode()]), headers=HEADERS, error=ERRORS)
async def test_of_a_frame(agent: RecognitionAgent, key, value, headers, error) -> None:  # noqa: F811
    agent = replace(agent, journal=journal({PERSON}))
    agent.recognizer.broken.add(PERSON.encode())
    request, lane, kept = Request("frames", 3, 7, 1000, key, value, headers, 1), Lane(("f", 3, b""), 0.0), KeptOutlet()
    try:
        await agent.handle(request, lane, kept)
    except ZeroDivisionError:
        await agent.fail(request, lane, kept, error)
    assert not [raw for raw in error_log(kept) if PERSON.encode() in raw]


@given(key=KEYS, headers=HEADERS)
def test_of_a_command_though_nobody_is_enrolled_under_it(key, headers) -> None:
    """Whom the command itself is about is known from it; what else a sender calls by a person's id is not."""
    request = Request("commands", 3, 7, 1000, key, b"", headers, 1)
    about = {(key or b"").decode(), READER.asked(request).person_id} | {
        (value or b"").decode(errors="replace") for name, value in headers if name == "person_id"
    }
    code, detail = Code.INTERNAL_ERROR, "the command failed three times"
    try:
        READER.read(request)
    except RequestError as error:
        code, detail = error.code, error.detail
    outputs = journal(set() if PERSON in about else {PERSON}).failure(request, READER.asked(request), code, detail)
    [raw] = [output.value for output in outputs if output.topic.endswith("error-log")]
    assert PERSON.encode() not in raw


@pytest.mark.parametrize("header", ["uin", "sub_uin"])
def test_a_user_who_is_the_person_is_withheld_in_the_error_log_alone(header: str) -> None:
    """The running log bills by user: it keeps the name that was given."""
    headers = (("command", b"enroll"), (header, PERSON.encode()))
    request = Request("commands", 3, 7, 1000, PERSON.encode(), b"", headers, 1)
    outputs = journal(set()).failure(request, READER.asked(request), Code.NO_CONSENT, "")
    running, error = (records.decode(each.value, kind) for each, kind in zip(outputs, _KINDS, strict=True))
    assert (getattr(running, header), getattr(error, header)) == (PERSON, WITHHELD)


_KINDS = (records.RunningLogEntry, records.ErrorLogEntry)


ANY_HEADER = pytest.mark.parametrize("header", sorted(KNOWN))


@ANY_HEADER
@pytest.mark.parametrize("command", [b"enroll", b"forget", b"forget_gallery", b"forget_account", b"erase"])
@pytest.mark.parametrize("value", [PERSON, f"of-{PERSON}/2"])
def test_whom_a_command_is_about_is_in_no_parameter(header: str, command: bytes, value: str) -> None:
    if header in {"uin", "sub_uin"} and value != PERSON:
        return  # how a customer calls its users is its own word
    headers = (("command", command), (header, value.encode()))
    request = Request("commands", 3, 7, 1000, PERSON.encode(), b"", headers, 1)
    outputs = journal(set()).failure(request, READER.asked(request), Code.INTERNAL_ERROR, "")
    [raw] = [output.value for output in outputs if output.topic.endswith("error-log")]
    assert PERSON.encode() not in raw


@ANY_HEADER
@pytest.mark.parametrize("keyed", [False, True], ids=["another's key", "no key"])
def test_nobody_who_is_enrolled_is_in_a_parameter_of_anothers_command(header: str, keyed: bool) -> None:
    request = Request("commands", 3, 7, 1000, b"ben" if keyed else None, b"", ((header, PERSON.encode()),), 1)
    outputs = journal({PERSON}).failure(request, READER.asked(request), Code.INTERNAL_ERROR, "")
    [raw] = [output.value for output in outputs if output.topic.endswith("error-log")]
    assert PERSON.encode() not in raw


@ANY_HEADER
async def test_nobody_who_is_enrolled_is_in_a_parameter_of_a_frame(agent: RecognitionAgent, header: str) -> None:  # noqa: F811
    kept = KeptOutlet()
    agent = replace(agent, journal=journal({PERSON}))
    request = Request("frames", 3, 7, 1000, b"lobby", b"", ((header, PERSON.encode()), ("frame_id", b"f")), 1)
    await agent.fail(request, Lane(("f", 3, b""), 0.0), kept, ValueError(PERSON))
    [raw] = error_log(kept)
    assert PERSON.encode() not in raw
