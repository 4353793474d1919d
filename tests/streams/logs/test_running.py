"""The running log's entry."""

from dataclasses import replace

import pytest

from streams.logs.running import running_log_entry
from streams.wire import records
from streams.wire.codes import Code
from streams.wire.records import LoggedFace, RunningLogEntry, SealedPerson


def test_holds_every_field_of_the_policy(deployment, asked) -> None:
    faces = [LoggedFace(track_id="t3", status="unknown", similarity=0.1)]
    persons = [SealedPerson(locator="0123456789abcdef", text="AdYZ")]
    entry = running_log_entry(deployment, asked, Code.OK, accessed_at_ms=8, persons=persons, results=faces)
    assert entry == RunningLogEntry(
        event_id="0a0b0c0d-camera-frames-3-9",
        request_interface="recognize",
        account="main",
        app_id="77",
        uin="u",
        sub_uin="s",
        region="eu",
        request_ip="192.0.2.1",
        request_id=None,
        camera_id="lobby",
        gallery="default",
        requested_at_ms=5,
        accessed_at_ms=8,
        billed=True,
        return_code="ok",
        persons=persons,
        results=faces,
    )


@pytest.mark.parametrize("code", Code)
def test_whatever_becomes_of_a_request_it_names_nobody_in_the_open(deployment, asked, code: Code) -> None:
    told = replace(asked, interface="enroll", camera_id=None, person_id="ada-lovelace")
    entry = running_log_entry(deployment, told, code, accessed_at_ms=8)
    raw = records.encode(entry)
    assert b"ada-lovelace" not in raw
    assert records.decode(raw, RunningLogEntry) == entry
    assert entry.return_code == code


@pytest.mark.parametrize(("decoded", "billed"), [(True, True), (False, False)])
def test_a_failure_of_ours_is_billed_by_its_picture(deployment, asked, decoded: bool, billed: bool) -> None:
    entry = running_log_entry(deployment, asked, Code.INTERNAL_ERROR, accessed_at_ms=8, decoded=decoded)
    assert entry.billed is billed
