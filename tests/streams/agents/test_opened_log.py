"""The running log as who holds the keys reads it."""

import msgspec
import pytest

from streams.agents.opened_log import Opener
from streams.agents.sealing import seal_person
from streams.wire.records import LoggedFace, LoggedPerson, RunningLogEntry, SealedPerson

KEYS = {"ada": b"a" * 32, "ben": b"b" * 32}
EVENT = "0a0b0c0d-camera-frames-3-7"
UNKNOWN = LoggedFace(track_id="t9", status="unknown", similarity=0.2)


def person(person_id: str) -> LoggedPerson:
    face = LoggedFace(track_id=f"t-{person_id}", status="matched", similarity=0.7)
    return LoggedPerson(gallery="default", person_id=person_id, results=[face])


def entry(*persons: SealedPerson, at_ms: int = 1000) -> RunningLogEntry:
    return RunningLogEntry(
        event_id=EVENT,
        request_interface="recognize",
        account="main",
        app_id="77",
        uin="u",
        sub_uin=None,
        region="eu",
        request_ip=None,
        request_id=None,
        camera_id="lobby",
        gallery="default",
        requested_at_ms=at_ms,
        accessed_at_ms=at_ms + 30,
        billed=True,
        return_code="ok",
        persons=list(persons),
        results=[UNKNOWN],
    )


def sealed(person_id: str, *, at_ms: int = 1000, event_id: str = EVENT) -> SealedPerson:
    return seal_person(KEYS[person_id], person(person_id), event_id=event_id, requested_at_ms=at_ms)


def test_who_has_a_key_is_shown_and_who_has_none_is_counted() -> None:
    opened = Opener([KEYS["ada"]]).open(entry(sealed("ada"), sealed("ben")))
    assert (opened.persons, opened.erased, opened.results) == ([person("ada")], 1, [UNKNOWN])


def test_all_else_is_as_it_stands() -> None:
    as_it_stands = entry(sealed("ada"))
    opened = Opener(KEYS.values()).open(as_it_stands)
    for name in RunningLogEntry.__struct_fields__:
        if name not in ("persons", "schema_version"):
            assert getattr(opened, name) == getattr(as_it_stands, name)
    assert msgspec.json.decode(msgspec.json.encode(opened))["erased"] == 0


@pytest.mark.parametrize("event_id", ["0a0b0c0d-camera-frames-3-8", "0a0b0c0d-camera-frames-2-7"])
def test_what_was_sealed_for_another_entry_does_not_open(event_id: str) -> None:
    assert Opener(KEYS.values()).open(entry(sealed("ada", event_id=event_id))).erased == 1
