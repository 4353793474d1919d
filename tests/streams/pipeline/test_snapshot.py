"""A worker's gallery on disk: the next worker starts from it, or says why not; the forgotten are not in it."""

import json
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from models.gallery.keys import KeyDirectory
from models.gallery.person import PersonSecret
from models.gallery.seal import joined, open_bytes, seal_bytes, unseal
from models.gallery.statement import Statement
from streams.agents.gallery.view import GalleryView
from streams.wire.feature_topic import texts

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180), pytest.mark.parametrize("broker", ["kafka"], indirect=True)]

CONSENT = {"consent": "form-7", "consent_basis": "of_age"}
HALF_A_DAY_MS = 43_200_000


@dataclass
class Snapshot:
    """What worker `0` left on disk."""

    path: Path
    key: bytes

    @property
    def sidecar(self) -> Path:
        return self.path.with_name("gallery.json")

    def opened(self) -> bytes:
        return open_bytes(self.key, self.path.read_bytes(), joined(b"snapshot", self.sidecar.read_bytes()))

    def reseal(self, **changes: object) -> None:
        """Change the sidecar as only a worker could."""
        body = self.opened()
        self.sidecar.write_text(json.dumps(json.loads(self.sidecar.read_text()) | changes))
        self.path.write_bytes(seal_bytes(self.key, body, joined(b"snapshot", self.sidecar.read_bytes())))


@pytest.fixture
def keeping(bench, tmp_path):
    """Settings under which workers keep snapshots."""
    return msgspec.structs.replace(bench.settings, snapshot_dir=tmp_path / "snapshots")


@pytest.fixture
def snapshot(keeping, key_dir) -> Snapshot:
    return Snapshot(keeping.snapshot_dir / "main" / "0" / "gallery", KeyDirectory.open(key_dir).snapshot_key())


@pytest.fixture
def applied(monkeypatch) -> list[tuple[int, int]]:
    """Partition and offset of every record of face-features that a worker's view was given."""
    places: list[tuple[int, int]] = []
    apply = GalleryView.apply

    def noted(self, record) -> None:
        places.append((record.partition, record.offset))
        apply(self, record)

    monkeypatch.setattr(GalleryView, "apply", noted)
    return places


async def enrolled_by_a_worker_that_stopped(bench, keeping, portraits, *people: str) -> None:
    worker = await bench.worker(keeping)
    for person in people:
        await bench.client.enroll(person, portraits[person], **CONSENT)
    await worker.stop()


async def named(bench, jpeg: bytes) -> str | None:
    """Who is seen alone in a frame."""
    recognitions = await bench.tap("recognitions")
    before = len(recognitions.values)
    await bench.publish(jpeg)
    [face] = (await recognitions.count(before + 1))[-1]["faces"]
    return face["match"]["person_id"]


@pytest.fixture
def step(broker) -> int:
    """From one record to the next: behind each transaction stands the broker's mark."""
    return 2 if broker.transactions else 1


async def test_the_next_worker_starts_from_it_reads_the_tail_alone_and_names_the_person(
    bench, step, keeping, portraits, desk, snapshot, applied
) -> None:
    await enrolled_by_a_worker_that_stopped(bench, keeping, portraits, "gwen")
    offsets = json.loads(snapshot.sidecar.read_text())["offsets"]
    assert sum(offsets.values()) == 2 * step  # her key and her feature
    without = await bench.worker()
    await bench.client.enroll("ada", portraits["ada"], **CONSENT)
    await without.stop()
    applied.clear()
    worker = await bench.worker(keeping)
    [partition] = {partition for partition, _ in applied}  # of a reference that was drawn when she was enrolled
    assert [offset for _, offset in applied] == [offsets[str(partition)], offsets[str(partition)] + step]
    await bench.metric(worker, 'facestreams_gallery_persons{gallery="default"}', 2)
    assert await named(bench, desk[0]) == "gwen"
    answer = await bench.client.forget("gwen")
    assert (answer.code, answer.features) == ("forgetting", 1)


async def test_one_that_cannot_be_used_is_refused_and_the_gallery_is_built_from_the_beginning(
    bench, step, keeping, portraits, desk, snapshot, applied
) -> None:
    await enrolled_by_a_worker_that_stopped(bench, keeping, portraits, "gwen")
    saved = json.loads(snapshot.sidecar.read_text())
    version, offsets, saved_at_ms = (saved[name] for name in ("model_version", "offsets", "saved_at_ms"))
    [partition] = [number for number, offset in offsets.items() if offset]
    cases = [
        ({"model_version": "arcface-9"}, f"model_version: expected {version}, found arcface-9"),
        ({"saved_at_ms": saved_at_ms - HALF_A_DAY_MS}, f"age: expected 0 to {HALF_A_DAY_MS} ms, found "),
        (
            {"offsets": offsets | {partition: 9}},
            f"partition {partition}: expected an offset from 0 to {2 * step}, found 9",
        ),
    ]
    for changes, reason in cases:
        snapshot.reseal(**changes)
        applied.clear()
        with capture_logs() as logs:
            worker = await bench.worker(keeping)
        refusals = [entry["reason"] for entry in logs if entry["event"] == "snapshot refused"]
        assert [refusal[: len(reason)] for refusal in refusals] == [reason]
        assert applied == [(int(partition), 0), (int(partition), step)]
        assert await named(bench, desk[0]) == "gwen"
        await worker.stop()


async def test_what_is_written_after_a_forget_holds_neither_id_nor_bits_nor_key(
    bench, keeping, portraits, snapshot, key_dir
) -> None:
    await enrolled_by_a_worker_that_stopped(bench, keeping, portraits, "gwen", "ada")
    secrets = {person: await stored_of(bench, key_dir, person) for person in ("gwen", "ada")}
    before = snapshot.opened()
    assert all(secret in before for each in secrets.values() for secret in each)
    worker = await bench.worker(keeping)
    erasures = await bench.tap("erasures")
    assert (await bench.client.forget("gwen")).code == "forgetting"
    await erasures.until(lambda values: any(each["state"] != "accepted" for each in values), "her tombstones")
    await worker.stop()
    after = snapshot.opened()
    assert not any(secret in after for secret in secrets["gwen"])
    assert all(secret in after for secret in secrets["ada"])
    assert sorted(file.name for file in snapshot.path.parent.iterdir()) == ["gallery", "gallery.json", "lock", "worker"]


async def stored_of(bench, key_dir, person: str) -> tuple[bytes, bytes, bytes]:
    """Id, bits and data key of a person, as face-features has them."""
    keys = KeyDirectory.open(key_dir)
    records = {record.key: record for record in await bench.tap_raw("face-features") if record.value}
    [(place, data_key)] = [
        (key, secret.data_key)
        for key, record in records.items()
        if key.count(b"/") == 1
        and (secret := PersonSecret.decode(keys.unwrap(record.value, place=key))).person_id == person
    ]
    [feature] = [record for key, record in records.items() if key.startswith(place + b"/")]
    stated = Statement.read(texts(feature.headers))
    bits = unseal(data_key, feature.value, place=feature.key, stated=stated)
    return person.encode(), bits, data_key
