"""A worker dies right behind each of the records that a deletion writes; its successor knows what the topics hold."""

import itertools

import pytest

from models.gallery.keys import KeyDirectory
from streams.engine.outlet import Output
from streams.wire import records
from streams.wire.feature_keys import FeatureKey
from streams.wire.records import Erasure, GalleryEvent
from streams.wire.topics import ERASURES, FACE_FEATURES, GALLERY_COMMANDS, GALLERY_EVENTS, VISITS
from tests.streams.agents.erasure.conftest import erasure, full, open_visits
from tests.streams.agents.erasure.mortal import Brokers, DiedError, MortalOutlet, Worker

ADA, BOB, LATE = (f"{number:032x}" for number in (1, 2, 3))
ROUND_MS, ROUNDS = 10_000, 80


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> KeyDirectory:
    return KeyDirectory.create(tmp_path_factory.mktemp("k") / "keys")


def begun(keys: KeyDirectory) -> Brokers:
    """ada and bob are enrolled and ada was seen; she is to be forgotten, and two enrollments are still in flight."""
    brokers = Brokers(keys)
    brokers.look.starts_of = {full(GALLERY_COMMANDS): {0: 0, 1: 8}}
    brokers.look.config = {"retention.ms": "604800000", "message.timestamp.type": "LogAppendTime"}
    for output in (*brokers.enroll("ada", ADA), *brokers.enroll("bob", BOB)):
        brokers.write(output)
    for person in ("ada", "bob", "ada"):
        brokers.write(Output(topic=full(VISITS), key=b"lobby", value=open_visits(person)))
    asked = erasure(person=keys.pseudonym("default", "ada"), key_id=keys.account_key_id)
    brokers.write(Output(topic=full(ERASURES), key=asked.event_id.encode(), value=records.encode(asked)))
    brokers.late = [brokers.enroll("ada", reference)[1] for reference in (ADA, LATE)]
    return brokers


async def test_whatever_a_worker_dies_behind_one_receipt_follows_and_nothing_is_left(keys) -> None:
    for writes in itertools.count():
        brokers = begun(keys)
        died = await driven(brokers, writes)
        receipts = [records.decode(each.value, GalleryEvent).receipt for each in brokers.all(GALLERY_EVENTS)]
        assert [receipt.persons for receipt in receipts] == [1], writes
        left = {FeatureKey.decode(each.key).reference for each in brokers.all(FACE_FEATURES) if each.value}
        assert left == {BOB}, writes
        assert not any(b"ada" in each.value for each in brokers.all(VISITS)), writes
        assert brokers.worker.known.galleries.get().persons() == ("bob",)
        assert behind_all_tombstones(brokers), writes
        if not died:
            break
    # noted, tombstones, tombstoned, late tombstones, that, swept, confirmed, fillers, receipt
    assert writes == 10


async def driven(brokers: Brokers, writes: int) -> bool:
    """Until the deletion is complete; whether the worker has died behind so many writes."""
    worker, outlet, died = Worker(brokers, "first"), MortalOutlet(brokers, writes), False
    for _ in range(ROUNDS):
        brokers.now_ms += ROUND_MS
        try:
            await worker.work(outlet)
        except DiedError:
            worker, outlet, died = Worker(brokers, "second"), MortalOutlet(brokers, -1), True
    assert len(worker.pending) == 0
    return died


def behind_all_tombstones(brokers: Brokers) -> bool:
    """Whether workers were asked for all of them."""
    said = [records.decode(each.value, Erasure) for each in brokers.all(ERASURES)]
    reached = next(each.reached for each in reversed(said) if each.state == "confirmed")
    return all(each.offset < reached[str(each.partition)] for each in brokers.all(FACE_FEATURES) if each.value is None)
