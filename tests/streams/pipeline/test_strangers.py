"""People who are not enrolled: what is seen of them ends with their visit, and nothing of their faces is kept."""

import base64
import json
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import numpy as np
import pytest

from models.gallery.keys import KeyDirectory
from models.gallery.protect import Protector
from models.gallery.seal import joined, open_bytes
from models.vision.encode import ArcFaceEncoder
from models.vision.follow.settings import FollowSettings
from streams.app import vision
from streams.demo.film import film
from streams.wire.topics import Topics
from tests.kafka.broker import Kafka

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180), pytest.mark.parametrize("broker", ["kafka"], indirect=True)]

CONSENT = {"consent": "form-7", "consent_basis": "of_age"}
OF_A_FRAME = re.compile(r"[0-9a-f]{8}-camera-frames-\d+-\d+")
PART_BYTES = 32
"""A part of a feature: what would be found if only some of it stood somewhere."""


@pytest.fixture
def embeddings(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Every embedding that the worker under test makes, while it makes it."""
    made: list[np.ndarray] = []
    encode = ArcFaceEncoder.encode

    def noted(self, picture, landmarks) -> np.ndarray:
        found = encode(self, picture, landmarks)
        made.extend(found)
        return found

    monkeypatch.setattr(ArcFaceEncoder, "encode", noted)
    return made


@pytest.fixture(scope="session")
def strangers() -> list[bytes]:
    """A second and a half of a camera that films people of whom none is enrolled."""
    return [frame.jpeg for frame in list(film("gate", 255))[230::3]]


def traces(embedding: np.ndarray, protector: Protector) -> Iterator[bytes]:
    """The forms in which a face's feature might be written, in parts."""
    for raw in (
        embedding.astype("<f4").tobytes(),
        embedding.astype(">f4").tobytes(),
        embedding.astype("<f8").tobytes(),
        embedding.astype("<f2").tobytes(),
        protector.protect(embedding),
    ):
        for part in (raw[:PART_BYTES], raw[-PART_BYTES:]):
            yield part
            yield part.hex().encode()
            yield base64.b64encode(part[:30])  # whole groups of three bytes, wherever they begin
    yield ", ".join(f"{value:.4f}" for value in embedding[:3]).encode()
    yield json.dumps([float(value) for value in embedding[:2]]).encode()[1:-1]


async def visit(bench, camera: bytes, pictures: Sequence[bytes], sightings, known: set[str]) -> list[dict]:
    """Strangers come before this camera and go; what was said of that on sightings.

    known: visits of before, of which a camera's next owner may say the end again.
    """
    for jpeg in pictures:
        await bench.publish(jpeg, camera)

    def new(said: Sequence[dict]) -> list[dict]:
        return [each for each in said if each["visit_id"] not in known]

    def all_have_left(said: Sequence[dict]) -> bool:
        left = {each["visit_id"] for each in new(said) if each["event"] == "exit"}
        return len(left) >= 3 and left == {each["visit_id"] for each in new(said)}

    return new(await sightings.until(all_have_left, f"everybody to have left {camera!r}"))


def texts(value: Any) -> Iterator[str]:
    """Every text in a record that could name somebody; numbers and the record's own place are not."""
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from texts(each)
        case list():
            for each in value:
                yield from texts(each)


async def test_nothing_of_a_strangers_face_is_kept_anywhere(
    bench, strangers, portraits, embeddings, key_dir: Path, kafka: Kafka, tmp_path: Path
) -> None:
    settings = msgspec.structs.replace(bench.settings, snapshot_dir=tmp_path / "snapshots")
    worker = await bench.worker(settings)
    assert (await bench.client.enroll("gwen", portraits["gwen"], **CONSENT)).code == "enrolled"
    embeddings.clear()
    sightings = await bench.tap("sightings")
    await visit(bench, b"gate", strangers, sightings, set())
    metrics = await _metrics(worker.http_port)
    await worker.stop()
    assert len(embeddings) >= 3
    assert "facestreams_faces_total" in metrics

    keys = KeyDirectory.open(key_dir)
    protector = Protector(keys.template_key, dimension=len(embeddings[0]))
    slot = settings.snapshot_dir / "main" / "0"
    opened = open_bytes(
        keys.snapshot_key(), (slot / "gallery").read_bytes(), joined(b"snapshot", (slot / "gallery.json").read_bytes())
    )
    topics = settings.topics()
    places = {
        "the broker's files": b"".join(path.read_bytes() for path in segments(kafka, topics)),
        "the snapshots": b"".join(path.read_bytes() for path in slot.iterdir() if path.is_file()),
        "a snapshot, opened": opened,
        "the metrics": metrics.encode(),
    }
    assert all(places.values())
    wanted = [trace for embedding in embeddings for trace in traces(embedding, protector)]
    assert any(trace in b"?" + embeddings[0].tobytes() + b"?" for trace in wanted)
    assert {name for name, content in places.items() for trace in wanted if trace in content} == set()
    assert not OF_A_FRAME.search(metrics)
    assert [record.key for record in await bench.tap_raw("face-features") if b"gwen" in record.key] == []


@pytest.fixture
def short_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A track ends after ten seconds out of sight; here after one, so that no test waits for it."""
    monkeypatch.setattr(vision, "FollowSettings", partial(FollowSettings, max_gap_ms=1000))


async def test_what_is_called_unknown_is_called_otherwise_the_next_time(bench, strangers, short_memory) -> None:
    """At the same camera, at another, and after a restart: no text of one visit comes again in another."""
    worker = await bench.worker()
    taps = [await bench.tap(short) for short in ("recognitions", "running-log", "visits")]
    sightings = await bench.tap("sightings")
    visits: list[list[dict]] = []
    for camera in (b"gate", b"gate", b"door", b"door"):
        if len(visits) == 3:
            await worker.stop()
            await bench.worker()
        known = {each["visit_id"] for said in visits for each in said}
        visits.append(await visit(bench, camera, strangers, sightings, known))
    frames = len(strangers) * len(visits)
    recognised, entries, _ = [tap.values for tap in taps if await tap.count(frames if tap is not taps[2] else 1)]

    assert all(each["person_id"] is None for said in visits for each in said)
    tracks = [{face["track_id"] for r in part for face in r["faces"]} for part in parts(recognised, len(strangers))]
    assert len(set().union(*tracks)) == sum(map(len, tracks))
    assert all(OF_A_FRAME.match(track) for each in tracks for track in each)

    said = [set(texts(part)) for part in parts(recognised, len(strangers))]
    said = [texts_of | set(texts(of_visit)) for texts_of, of_visit in zip(said, visits, strict=True)]
    said = [have | set(texts(part)) for have, part in zip(said, parts(entries, len(strangers)), strict=True)]
    again = (said[0] & said[1]) | (said[0] & said[2]) | (said[2] & said[3])
    deployment = {"main", "default", "eu", "77", "gate", "door"}
    names = {text for record in recognised for text in record["models"].values()}
    states = {"unknown", "pending", "rejected", "exact", "enter", "update", "exit", "left", "silent"}
    reasons = {"too_small", "turned", "blurred", "low_confidence", "recognize", "ok"}
    assert again <= deployment | names | states | reasons


def parts(records: Sequence[dict], each: int) -> list[list[dict]]:
    """The records of one visit after the other, by when their frames were appended."""
    ordered = sorted(records, key=lambda record: record.get("received_at_ms") or record["requested_at_ms"])
    return [list(ordered[first : first + each]) for first in range(0, len(ordered), each)]


def segments(kafka: Kafka, topics: Topics) -> list[Path]:
    """The files of this deployment's topics, on every broker."""
    return [
        path
        for node in kafka.nodes
        for spec in topics
        for number in range(spec.partitions)
        for path in (node.data_dir / f"{spec.name}-{number}").glob("*.log")
    ]


async def _metrics(port: int) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
        return await answer.text()
