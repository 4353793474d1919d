"""Facts and records as a deployment in order would show them, to be spoiled one at a time by the tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.gallery.keys import KeyDirectory
from models.gallery.person import PersonSecret
from models.gallery.seal import seal
from models.gallery.statement import Statement
from streams.audit.access import Access
from streams.audit.facts import Facts, Place, Positions
from streams.audit.finding import Finding
from streams.audit.gallery import Gallery
from streams.audit.reading import Seen, seen
from streams.engine.brokers import KAFKA
from streams.engine.topics.bounds import bounds
from streams.engine.topics.found import FoundTopic, Housekeeping
from streams.engine.topics.inspection import InspectedTopic, Inspection
from streams.wire import records
from streams.wire.feature_keys import FeatureKey
from streams.wire.records import (
    Box,
    FaceMatch,
    FaceQuality,
    FrameSize,
    ModelNames,
    Recognition,
    RecognizedFace,
    RunningLogEntry,
    Timings,
)
from streams.wire.topics import CAMERA_FRAMES, FACE_FEATURES, GALLERY_COMMANDS, Topics

NOW_MS = 1_767_225_600_000
EPOCH = "0123abcd"
TOPICS = Topics(partitions=2)
REFERENCE = "0123456789abcdef" * 2
ENROLLED_BY = f"{EPOCH}-{GALLERY_COMMANDS}-0-3"


@dataclass(frozen=True, slots=True)
class Raw:
    """As aiokafka gives a record."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def shown(short: str, value: Any, *, key: bytes = b"", partition: int = 0, offset: int = 0, **headers: str) -> Seen:
    """A record of this topic. value: a record of ours, bytes, or None."""
    raw = records.encode(value) if isinstance(value, records.Record) else value
    given = tuple((name, text.encode()) for name, text in headers.items())
    return seen(short, Raw(partition, offset, NOW_MS, key, raw, given))


def inspection(*, copies: int = 1, in_sync: bool = True, **altered: Mapping[str, str]) -> Inspection:
    """Topics as they are declared, with Kafka's defaults besides. altered: settings, by the short name's words."""
    inspected = []
    for spec in TOPICS:
        defaults = {
            "message.timestamp.type": "CreateTime",
            "message.timestamp.after.max.ms": "3600000",
            "segment.ms": "604800000",
            "delete.retention.ms": "86400000",
            "file.delete.delay.ms": "60000",
        }
        config = defaults | dict(spec.settings(1)) | dict(altered.get(spec.short.replace("-", "_"), {}))
        found = FoundTopic(spec.name, spec.partitions, copies, config, config, in_sync)
        inspected.append(InspectedTopic(spec, found, [], bounds(spec, found, Housekeeping())))
    return Inspection(inspected, Housekeeping())


def facts(keys: KeyDirectory | None = None, **said: Any) -> Facts:
    """Nothing was processed yet; nobody but us is there. said: what is otherwise."""
    given: dict[str, Any] = {
        "topics": TOPICS,
        "account": "main",
        "region": "eu",
        "broker": KAFKA,
        "keys": keys,
        "now_ms": NOW_MS,
        "epochs": {CAMERA_FRAMES: EPOCH, GALLERY_COMMANDS: EPOCH},
        "positions": {},
        "why_no_positions": "",
        "inspection": inspection(),
        "why_no_inspection": "",
        "access": Access([], [], everybody_elsewhere=False),
    }
    return Facts(**(given | said))


def processed(begin: int, committed: int, short: str = CAMERA_FRAMES) -> dict[Place, Positions]:
    """One partition, read to its end."""
    return {(short, 0): Positions(begin, committed, committed)}


def key_record(keys: KeyDirectory, person_id: str = "ada", *, reference: str = REFERENCE) -> tuple[Seen, PersonSecret]:
    """A person's wrapped key."""
    place = FeatureKey("default", reference)
    secret = PersonSecret(b"k" * 32, person_id)
    wrapped = keys.wrap(secret.encode(), place=place.encode())
    record = shown(
        FACE_FEATURES,
        wrapped,
        key=place.encode(),
        partition=place.partition(TOPICS.partitions),
        enrolled_by=ENROLLED_BY,
        requested_at_ms=str(NOW_MS - 60_000),
    )
    return record, secret


def feature_record(
    keys: KeyDirectory, *, reference: str = REFERENCE, value: bytes | None = b"", **headers: str
) -> Seen:
    """A person's feature. value: empty for one that is sealed, with these headers in place of the usual ones."""
    place = FeatureKey("default", reference, ENROLLED_BY)
    given = {
        "key_id": keys.template_key.id,
        "model_version": "net-1",
        "quality": "0.80",
        "consent": "form-7",
        "consent_basis": "of_age",
        "enrolled_at_ms": str(NOW_MS - 60_000),
    } | headers
    sealed = seal(b"k" * 32, b"b" * 128, place=place.encode(), stated=Statement.read(given))
    return shown(
        FACE_FEATURES,
        sealed if value == b"" else value,
        key=place.encode(),
        partition=place.partition(TOPICS.partitions),
        **given,
    )


def gallery(keys: KeyDirectory | None, *stored: Seen) -> Gallery:
    """What stands on face-features after these records."""
    made = Gallery(keys, TOPICS.partitions)
    for each in stored:
        made.take(each)
    return made


def entry(offset: int = 0, **fields: Any) -> RunningLogEntry:
    """Of a frame that was recognised an hour ago."""
    given: dict[str, Any] = {
        "event_id": f"{EPOCH}-{CAMERA_FRAMES}-0-{offset}",
        "request_interface": "recognize",
        "account": "main",
        "app_id": "77",
        "uin": None,
        "sub_uin": None,
        "region": "eu",
        "request_ip": None,
        "request_id": None,
        "camera_id": "lobby",
        "gallery": "default",
        "requested_at_ms": NOW_MS - 3_600_000 + 40 * offset,
        "accessed_at_ms": NOW_MS - 3_600_000 + 40 * offset,
        "billed": True,
        "return_code": "ok",
        "persons": [],
        "results": [],
    }
    return RunningLogEntry(**(given | fields))


def recognition(offset: int = 0, **match: Any) -> Recognition:
    """One face; match: what is stated of it, unknown unless said otherwise."""
    given: dict[str, Any] = {
        "status": "unknown",
        "person_id": None,
        "similarity": 0.21,
        "threshold": 0.42,
        "margin": 0.1,
        "gallery_size": 1,
        "searched": "exact",
        "encoded_at": None,
    }
    face = RecognizedFace(
        box=Box(left=0.1, top=0.1, width=0.1, height=0.1),
        landmarks=[(0.1, 0.1)] * 5,
        confidence=0.9,
        quality=FaceQuality(score=0.8, face_px=64, sharpness=0.7, yaw_deg=0.0, reject_reason=None),
        track_id="7",
        match=FaceMatch(**(given | match)),
    )
    return Recognition(
        event_id=f"{EPOCH}-{CAMERA_FRAMES}-0-{offset}",
        camera_id="lobby",
        frame_id=None,
        account="main",
        region="eu",
        gallery="default",
        captured_at_ms=None,
        received_at_ms=NOW_MS,
        processed_at_ms=NOW_MS,
        frame=FrameSize(width_px=640, height_px=360),
        faces=[face],
        timings_ms=Timings(decode=1.0, detect=1.0, encode=1.0, match=1.0),
        models=ModelNames(detector="d", encoder="e", template_key="tk"),
    )


def disks(directory: Path) -> tuple[Path, ...]:
    """A broker's log.dirs with a copy of every partition, none of which holds a record."""
    for spec in TOPICS:
        for number in range(spec.partitions):
            home = directory / f"{spec.name}-{number}"
            home.mkdir(parents=True)
            (home / "partition.metadata").write_text("version: 0\n")
    return (directory,)


def concluded(check: Any, *stream: Seen) -> Finding:
    """What a check says after these records."""
    for each in stream:
        check.take(each)
    return check.finding()
