"""The running log's entry."""

from dataclasses import replace

from streams.logs.running import running_log_entry
from streams.wire.codes import Code
from streams.wire.records import LoggedFace, RunningLogEntry


def test_holds_every_field_of_the_policy(deployment, asked) -> None:
    faces = [
        LoggedFace(track_id="t1", status="matched", person_id="ben", similarity=0.6),
        LoggedFace(track_id="t2", status="matched", person_id="ada", similarity=0.7),
        LoggedFace(track_id="t3", status="unknown", person_id=None, similarity=0.1),
    ]
    assert running_log_entry(deployment, asked, Code.OK, accessed_at_ms=8, results=faces) == RunningLogEntry(
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
        person_ids=["ada", "ben"],
        results=faces,
    )


def test_a_refused_request_is_not_billed_and_names_whom_it_asked_about(deployment, asked) -> None:
    entry = running_log_entry(deployment, replace(asked, person_id="ada"), Code.NO_CONSENT, accessed_at_ms=8)
    assert (entry.billed, entry.person_ids, entry.return_code) == (False, ["ada"], "no_consent")
