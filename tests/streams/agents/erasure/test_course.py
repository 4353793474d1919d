"""Deletions from their command to the receipt, on brokers whose topics hold what does not belong there."""

from dataclasses import replace

import pytest

from models.gallery import signing
from models.gallery.keys import KeyDirectory
from streams.engine.outlet import Output
from streams.wire import records
from streams.wire.feature_keys import FeatureKey
from streams.wire.partitioning import partition_of
from streams.wire.receipts import signature_of, signed_bytes
from streams.wire.records import Erasure, GalleryEvent, Receipt
from streams.wire.topics import ERASURES, FACE_FEATURES, GALLERY_COMMANDS, GALLERY_EVENTS, VISITS
from tests.streams.agents.erasure.conftest import ASKED_MS, EPOCH, TOPICS, erasure, full, open_visits
from tests.streams.agents.erasure.mortal import Brokers, DiedError, MortalOutlet, Worker
from tests.streams.agents.erasure.test_dying import ADA, BOB, ROUND_MS, begun

ROUNDS = 100
STRAY = f"{9:032x}"
LOBBY = partition_of(b"lobby", TOPICS.partitions)


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> KeyDirectory:
    return KeyDirectory.create(tmp_path_factory.mktemp("k") / "keys")


@pytest.fixture(scope="module")
def other_keys(tmp_path_factory) -> KeyDirectory:
    return KeyDirectory.create(tmp_path_factory.mktemp("k") / "keys")


async def driven(worker: Worker, rounds: int = ROUNDS) -> None:
    for _ in range(rounds):
        worker.brokers.now_ms += ROUND_MS
        await worker.work(MortalOutlet(worker.brokers, -1))


def receipts(brokers: Brokers) -> list[Receipt]:
    return [records.decode(each.value, GalleryEvent).receipt for each in brokers.all(GALLERY_EVENTS)]


def state(brokers: Brokers) -> str:
    return [records.decode(each.value, Erasure).state for each in brokers.all(ERASURES) if each.value][-1]


async def until_confirmed(brokers: Brokers) -> None:
    worker = Worker(brokers, "first")
    while state(brokers) != "confirmed":
        brokers.now_ms += ROUND_MS
        try:
            await worker.work(MortalOutlet(brokers, 1))
        except DiedError:
            worker = Worker(brokers, "first")


async def test_who_lacks_the_account_key_signs_nothing_of_what_others_had_confirmed(keys, other_keys) -> None:
    brokers = begun(keys)
    await until_confirmed(brokers)
    brokers.keys = other_keys
    await driven(Worker(brokers, "second"))
    assert (receipts(brokers), state(brokers)) == ([], "confirmed")
    brokers.keys = keys
    await driven(Worker(brokers, "third"))
    assert [each.persons for each in receipts(brokers)] == [1]


def feature_alone(brokers: Brokers) -> list[Output]:
    return [brokers.enroll("carol", STRAY)[1]]


def key_and_feature(brokers: Brokers) -> list[Output]:
    return brokers.enroll("ada", ADA)


@pytest.mark.parametrize("stray", [feature_alone, key_and_feature])
async def test_what_stands_in_another_partition_than_it_names_is_erased_there(keys, stray) -> None:
    brokers = begun(keys)
    for output in stray(brokers):
        brokers.write(replace(output, partition=1 - output.partition))
    await driven(Worker(brokers, "first"))
    assert len(receipts(brokers)) == 1
    assert {FeatureKey.decode(each.key).reference for each in brokers.all(FACE_FEATURES) if each.value} == {BOB}


@pytest.mark.parametrize(("key", "partition"), [(b"door", 0), (b"door", 1), (b"lobby", 1 - LOBBY)])
async def test_visits_that_stand_where_no_camera_writes_them_anew_are_erased_there(keys, key, partition) -> None:
    brokers = begun(keys)
    brokers.write(Output(topic=full(VISITS), key=key, value=open_visits("ada"), partition=partition))
    await driven(Worker(brokers, "first"))
    assert len(receipts(brokers)) == 1
    assert not any(b"ada" in each.value for each in brokers.all(VISITS) if each.value)


ELSEWHERE = f"{8:032x}"


async def test_a_receipt_says_how_many_key_records_in_its_scope_did_not_open(keys, other_keys) -> None:
    """ada is enrolled once more, under an account key that the driver lacks."""
    brokers = begun(keys)
    brokers.keys = other_keys
    stays = [brokers.write(each) for each in brokers.enroll("ada", ELSEWHERE)]
    brokers.keys = keys
    await driven(Worker(brokers, "first"))
    assert [(each.persons, each.unread) for each in receipts(brokers)] == [(1, 1)]
    assert signing.verify(
        keys.verify_keys()[keys.signing_key_id], signed_bytes(receipts(brokers)[0]), signature_of(receipts(brokers)[0])
    )
    assert {each.key for each in stays} <= {each.key for each in brokers.all(FACE_FEATURES) if each.value}


@pytest.mark.parametrize("scope", ["gallery", "account"])
async def test_key_records_that_do_not_open_go_with_their_gallery_or_account(keys, other_keys, scope) -> None:
    brokers = Brokers(other_keys)
    brokers.look.starts_of = {full(GALLERY_COMMANDS): {0: 0, 1: 8}}
    brokers.look.config = {"retention.ms": "604800000", "message.timestamp.type": "LogAppendTime"}
    for each in brokers.enroll("ada", ELSEWHERE):
        brokers.write(each)
    brokers.keys = keys
    asked = erasure(scope=scope, gallery="default" if scope == "gallery" else None, person=None)
    brokers.write(Output(topic=full(ERASURES), key=asked.event_id.encode(), value=records.encode(asked)))
    await driven(Worker(brokers, "first"))
    assert [(each.persons, each.features, each.unread) for each in receipts(brokers)] == [(1, 1, 0)]
    assert [each.key for each in brokers.all(FACE_FEATURES) if each.value] == []


async def test_the_last_record_says_how_far_face_features_had_to_be_read_and_since_when_it_was_driven(keys) -> None:
    brokers = begun(keys)
    await until_confirmed(brokers)
    taken_over_ms = brokers.now_ms + ROUND_MS
    await driven(Worker(brokers, "second"))
    *_, confirmed, last = [records.decode(each.value, Erasure) for each in brokers.all(ERASURES)]
    assert (confirmed.state, last.state) == ("confirmed", "completed")
    assert last.reached == confirmed.reached != {}
    assert last.driven_since_ms == taken_over_ms


async def test_the_accounts_deletion_completes_those_before_it_whose_key_nobody_has(keys) -> None:
    brokers = begun(keys)
    brokers.late = []
    lost = erasure(event_id=f"{EPOCH}-{GALLERY_COMMANDS}-0-5", key_id="ak-0", requested_at_ms=ASKED_MS - 1)
    account = erasure(event_id=f"{EPOCH}-{GALLERY_COMMANDS}-1-7", scope="account", gallery=None, person=None)
    for each in (lost, account):
        brokers.write(Output(topic=full(ERASURES), key=each.event_id.encode(), value=records.encode(each)))
    worker = Worker(brokers, "first")
    await driven(worker)
    assert [each.event_id for each in receipts(brokers)] == [account.event_id]
    assert [each.event_id for each in worker.pending.all()] == [lost.event_id]  # its own command is still there
    brokers.look.starts_of = {full(GALLERY_COMMANDS): {0: 6, 1: 8}}
    await driven(worker)
    assert [each.event_id for each in receipts(brokers)] == [account.event_id, lost.event_id]
    assert receipts(brokers)[-1].workers == receipts(brokers)[0].workers == ["first"]
    ends = [records.decode(each.value, Erasure) for each in brokers.all(ERASURES) if each.value]
    of_account, of_lost = [each for each in ends if each.state == "completed"]
    assert (of_lost.event_id, of_lost.reached) == (lost.event_id, of_account.reached)
    assert of_account.reached.keys() == {"0", "1"}
    assert len(worker.pending) == 0
    assert (worker.known.stored("default", "bob"), worker.known.covered(lost)) == (frozenset(), [])
    standing = {each.key: each.value for each in brokers.all(ERASURES)}
    assert [key.decode() for key, value in standing.items() if value] == [account.event_id]
