"""Deletions, receipts and visits as they stand on their topics, to be spoiled one at a time by the tests."""

from typing import Any

from models.gallery.keys import KeyDirectory
from streams.audit.gallery import Gallery
from streams.audit.reading import Seen
from streams.wire.receipts import signed_bytes, with_signature
from streams.wire.records import Erasure, GalleryEvent, OpenVisit, OpenVisits, Receipt
from streams.wire.topics import ERASURES, GALLERY_EVENTS, VISITS
from tests.streams.audit.made import EPOCH, NOW_MS, feature_record, gallery, key_record, shown

FORGET = f"{EPOCH}-gallery-commands-1-5"
UNDER_WAY = f"{EPOCH}-gallery-commands-1-9"


def signed(keys: KeyDirectory, receipt: Receipt) -> Receipt:
    return with_signature(receipt, keys.sign(signed_bytes(receipt))[1])


def answer(receipt: Receipt) -> Seen:
    event = GalleryEvent(
        event_id=receipt.event_id,
        request_id=receipt.request_id,
        account="main",
        region="eu",
        gallery="default",
        command="forget",
        accepted=True,
        code="forgotten",
        detail="",
        person=receipt.person,
        features=1,
        requested_at_ms=receipt.requested_at_ms,
        processed_at_ms=receipt.completed_at_ms,
        receipt=receipt,
    )
    return shown(GALLERY_EVENTS, event)


def erasure(keys: KeyDirectory, person_id: str = "bob", **fields: Any) -> Seen:
    given = {
        "event_id": FORGET,
        "request_id": "r-1",
        "account": "main",
        "scope": "person",
        "gallery": "default",
        "person": keys.pseudonym("default", person_id),
        "key_id": keys.account_key_id,
        "state": "completed",
        "requested_at_ms": NOW_MS - 40_000,
        "updated_at_ms": NOW_MS - 10_000,
    }
    return shown(ERASURES, Erasure(**(given | fields)))


def standing(keys: KeyDirectory, person_id: str = "bob") -> Gallery:
    return gallery(keys, key_record(keys, person_id)[0], feature_record(keys))


def visits(person_id: str) -> Seen:
    visit = OpenVisit(
        visit_id="v-1",
        gallery="default",
        person_id=person_id,
        track_id=None,
        first_seen_ms=NOW_MS,
        last_seen_ms=NOW_MS,
        frames=1,
        best_similarity=None,
        stated_at_ms=NOW_MS,
    )
    stored = OpenVisits(camera_id="lobby", epoch=EPOCH, partition=0, offset=7, visits=[visit], transitions=[])
    return shown(VISITS, stored)
