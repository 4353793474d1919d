"""One whole example of every record."""

from typing import Any

import pytest

from streams.wire import records as r

SENT_MS = 1_767_225_600_000
EVENT_ID = "0123abcd-camera-frames-3-41"

FACE = r.RecognizedFace(
    box=r.Box(left=0.1, top=0.2, width=0.1, height=0.2),
    landmarks=[(0.12, 0.25), (0.18, 0.25), (0.15, 0.3), (0.13, 0.35), (0.17, 0.35)],
    confidence=0.97,
    quality=r.FaceQuality(score=0.8, face_px=64, sharpness=0.7, yaw_deg=-3.0, reject_reason=None),
    track_id="7",
    match=r.FaceMatch(
        status="matched",
        person_id="ada",
        similarity=0.71,
        threshold=0.42,
        margin=0.3,
        gallery_size=6,
        searched="exact",
        encoded_at=EVENT_ID,
    ),
)
SIGHTING = r.Sighting(
    event="exit",
    event_id=EVENT_ID,
    visit_id="v-1",
    camera_id="lobby",
    account="main",
    region="local",
    gallery="default",
    person_id="ada",
    first_seen_ms=SENT_MS,
    last_seen_ms=SENT_MS + 40,
    frames=2,
    best_similarity=0.71,
    reason="left",
)
EXAMPLES: tuple[r.Record, ...] = (
    r.Recognition(
        event_id=EVENT_ID,
        camera_id="lobby",
        frame_id=None,
        account="main",
        region="local",
        gallery="default",
        captured_at_ms=None,
        received_at_ms=SENT_MS,
        processed_at_ms=SENT_MS + 30,
        frame=r.FrameSize(width_px=640, height_px=360),
        faces=[FACE],
        timings_ms=r.Timings(decode=2.1, detect=4.8, encode=0.0, match=0.2),
        models=r.ModelNames(detector="yunet", encoder="sface", template_key="tk-1"),
    ),
    SIGHTING,
    r.OpenVisits(
        camera_id="lobby",
        epoch="0123abcd",
        partition=3,
        offset=41,
        visits=[
            r.OpenVisit(
                visit_id="v-1",
                gallery="default",
                person_id=None,
                track_id="7",
                first_seen_ms=SENT_MS,
                last_seen_ms=SENT_MS + 40,
                frames=2,
                best_similarity=None,
                stated_at_ms=SENT_MS,
            )
        ],
        transitions=[SIGHTING],
    ),
    r.RunningLogEntry(
        event_id=EVENT_ID,
        request_interface="recognize",
        account="main",
        app_id="1250000000",
        uin=None,
        sub_uin="100002",
        region="local",
        request_ip="192.0.2.7",
        request_id=None,
        camera_id="lobby",
        gallery="default",
        requested_at_ms=SENT_MS,
        accessed_at_ms=SENT_MS + 30,
        billed=True,
        return_code="ok",
        persons=[r.SealedPerson(locator="0123456789abcdef", text="c2VhbGVk")],
        results=[r.LoggedFace(track_id="7", status="unknown", similarity=0.21)],
    ),
    r.ErrorLogEntry(
        event_id=EVENT_ID,
        request_interface="recognize",
        account="main",
        app_id="1250000000",
        uin=None,
        sub_uin=None,
        region="local",
        camera_id="lobby",
        person=None,
        logged_at_ms=SENT_MS,
        upstream="camera-frames read",
        downstream="nothing published",
        return_code="truncated_picture",
        detail="JPEG ends early",
        input=r.InputSummary(value_bytes=2048, media_type="image/jpeg", width_px=640, height_px=None, headers=["uin"]),
        output="refused",
        algorithm_output=None,
        repeats=12,
    ),
    r.GalleryEvent(
        event_id=EVENT_ID,
        request_id="r-1",
        account="main",
        region="local",
        gallery="default",
        command="enroll",
        accepted=True,
        code="enrolled",
        detail="",
        person="pseudonym",
        features=1,
        requested_at_ms=SENT_MS,
        processed_at_ms=SENT_MS + 30,
        receipt=r.Receipt(
            request_id="r-1",
            event_id=EVENT_ID,
            account="main",
            region="local",
            scope="account",
            gallery=None,
            person=None,
            requested_at_ms=SENT_MS,
            completed_at_ms=SENT_MS + 90_000,
            persons=1,
            features=2,
            log_entries=7,
            workers=["w1"],
            silent=[],
            later={"recognitions": SENT_MS + 700_000_000},
            bill=r.Bill(
                account="main",
                app_id="77",
                region="local",
                from_ms=0,
                to_ms=SENT_MS,
                requests=7,
                billed=6,
                lines=[
                    r.BillLine(uin="u", sub_uin=None, request_interface="recognize", requests=7, billed=6),
                ],
            ),
            key_id="sk-01234567",
            signature="c2lnbmVk",
        ),
    ),
    r.Erasure(
        event_id=EVENT_ID,
        request_id="r-2",
        account="main",
        scope="person",
        gallery="default",
        person="pseudonym",
        key_id="ak-01234567",
        state="tombstoned",
        persons=1,
        features=3,
        reached={"3": 17},
        waits_for={"0": 4},
        workers=["w1"],
        silent=["w2"],
        in_sync_at_ms=None,
        repeats=0,
        requested_at_ms=SENT_MS,
        updated_at_ms=SENT_MS + 30,
    ),
    r.Epoch(topic="camera-frames", epoch="0123abcd", created_at_ms=SENT_MS),
    r.Confirmed(worker="w1", applied={"0": 4}, saved=None, written_at_ms=SENT_MS),
    r.Reached(topic="camera-frames/3", epoch="0123abcd", created_at_ms=SENT_MS, next_offset=1043),
)


@pytest.fixture(params=EXAMPLES, ids=lambda record: type(record).__name__)
def example(request: pytest.FixtureRequest) -> Any:
    """Each record in its turn."""
    return request.param


@pytest.fixture
def examples() -> tuple[r.Record, ...]:
    """All of them."""
    return EXAMPLES
