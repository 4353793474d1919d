"""The audit of a stream that moves while it is read: whatever happens in between, nothing is called a breach."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import pytest
from aiokafka import TopicPartition

from models.gallery.keys import KeyDirectory
from streams.audit.files import Files
from streams.audit.reading import Seen
from streams.audit.run import ENDS, ORDER, all_ends, findings
from streams.wire.receipts import signed_bytes, with_signature
from streams.wire.records import Erasure, GalleryEvent, OpenVisit, OpenVisits, Receipt, Sighting
from streams.wire.topics import (
    CONTROL,
    ERASURES,
    FACE_FEATURES,
    GALLERY_COMMANDS,
    GALLERY_EVENTS,
    RECOGNITIONS,
    SIGHTINGS,
    VISITS,
)
from tests.streams.audit.made import (
    EPOCH,
    NOW_MS,
    TOPICS,
    Raw,
    facts,
    feature_record,
    key_record,
    recognition,
    shown,
)

BOB, ADA, AGAIN = ("b" * 32, "a" * 32, "c" * 32)
LATER_MS = NOW_MS + 10

Happening = Sequence[Seen]
"""Records that are appended at one go."""


class Moving:
    """Topics as a consumer sees them. life: of what happens, the next at each call from the `start`-th on."""

    def __init__(self, before: Iterable[Happening], life: Sequence[Happening], start: int) -> None:
        self._logs: defaultdict[TopicPartition, list[Raw]] = defaultdict(list)
        self._positions: dict[TopicPartition, int] = {}
        self._life = iter(life)
        self._wait = start
        for happening in before:
            self._append(happening)

    def _append(self, happening: Happening) -> None:
        for seen in happening:
            log = self._logs[TopicPartition(TOPICS.name(seen.short), seen.partition)]
            headers = tuple((name, text.encode()) for name, text in seen.headers.items())
            log.append(Raw(seen.partition, len(log), seen.timestamp_ms, seen.key, seen.value or None, headers))

    def _move(self) -> None:
        self._wait -= 1
        if self._wait < 0:
            self._append(next(self._life, ()))

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        ends = {partition: len(self._logs[partition]) for partition in partitions}
        self._move()
        return ends

    def assign(self, _partitions: Iterable[TopicPartition]) -> None:
        self._move()

    async def seek_to_beginning(self, partition: TopicPartition) -> None:
        self._positions[partition] = 0

    async def position(self, partition: TopicPartition) -> int:
        return self._positions[partition]

    async def getmany(self, partition: TopicPartition, *, timeout_ms: int) -> dict[TopicPartition, list[Raw]]:
        read, self._positions[partition] = self._logs[partition], len(self._logs[partition])
        return {partition: read}


def answer(keys: KeyDirectory, person_id: str, offset: int, **fields: Any) -> Seen:
    given: dict[str, Any] = {
        "event_id": f"{EPOCH}-{GALLERY_COMMANDS}-0-{offset}",
        "request_id": f"r-{offset}",
        "account": "main",
        "region": "eu",
        "gallery": "default",
        "command": "enroll",
        "accepted": True,
        "code": "enrolled",
        "detail": "",
        "person": keys.pseudonym("default", person_id),
        "features": 1,
        "requested_at_ms": LATER_MS,
        "processed_at_ms": LATER_MS,
    }
    return shown(GALLERY_EVENTS, GalleryEvent(**(given | fields)))


def enrolled(keys: KeyDirectory, person_id: str, reference: str, offset: int) -> Happening:
    """In one transaction."""
    key, _ = key_record(keys, person_id, reference=reference)
    by = {"enrolled_by": f"{EPOCH}-{GALLERY_COMMANDS}-0-{offset}", "requested_at_ms": str(LATER_MS)}
    return [replace(key, headers=by), feature_record(keys, reference=reference), answer(keys, person_id, offset)]


def recognised(person_id: str | None, offset: int) -> list[Happening]:
    """As a worker publishes it: what is kept for the next owner, then what is said."""
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
    left = OpenVisits(camera_id="lobby", epoch=EPOCH, partition=0, offset=offset, visits=[visit], transitions=[])
    said = Sighting(
        event="enter",
        event_id=f"{EPOCH}-camera-frames-0-{offset}",
        visit_id="v-1",
        camera_id="lobby",
        account="main",
        region="eu",
        gallery="default",
        person_id=person_id,
        first_seen_ms=NOW_MS,
        last_seen_ms=NOW_MS,
        frames=1,
        best_similarity=None,
    )
    status = "unknown" if person_id is None else "matched"
    return [
        [shown(VISITS, left, key=b"lobby")],
        [shown(SIGHTINGS, said)],
        [shown(RECOGNITIONS, recognition(offset, status=status, person_id=person_id))],
    ]


def forgotten(keys: KeyDirectory, person_id: str, reference: str, offset: int) -> list[Happening]:
    """From the command to the receipt. Visits that name the person are written anew before it is complete."""
    erasure: dict[str, Any] = {
        "event_id": f"{EPOCH}-{GALLERY_COMMANDS}-0-{offset}",
        "request_id": f"r-{offset}",
        "account": "main",
        "scope": "person",
        "gallery": "default",
        "person": keys.pseudonym("default", person_id),
        "key_id": keys.account_key_id,
        "requested_at_ms": LATER_MS,
        "updated_at_ms": LATER_MS,
    }
    receipt = Receipt(
        **{name: erasure[name] for name in ("event_id", "request_id", "account", "scope", "gallery", "person")},
        region="eu",
        requested_at_ms=LATER_MS,
        completed_at_ms=LATER_MS,
        persons=1,
        features=1,
        log_entries=0,
        workers=["w1"],
        silent=[],
        later={},
        bill=None,
        key_id=keys.signing_key_id,
        signature="",
    )
    receipt = with_signature(receipt, keys.sign(signed_bytes(receipt))[1])
    stored = [feature_record(keys, reference=reference), key_record(keys, person_id, reference=reference)[0]]
    accepted = answer(keys, person_id, offset, command="forget", code="accepted")
    complete = answer(keys, person_id, offset, command="forget", code="forgotten", receipt=receipt)
    return [
        [shown(ERASURES, Erasure(**erasure, state="accepted")), accepted],
        *([shown(FACE_FEATURES, None, key=each.key, partition=each.partition)] for each in stored),
        recognised(None, offset)[0],
        [complete],
        [shown(ERASURES, Erasure(**erasure, state="completed"))],
    ]


LIVES: dict[str, Callable[[KeyDirectory], list[Happening]]] = {
    "enrolled and recognised": lambda keys: [enrolled(keys, "bob", BOB, 7), *recognised("bob", 8)],
    "deleted": lambda keys: forgotten(keys, "ada", ADA, 9),
    "deleted and enrolled again": lambda keys: [
        *forgotten(keys, "ada", ADA, 9),
        enrolled(keys, "ada", AGAIN, 10),
        *recognised("ada", 11),
    ],
    "enrolled, recognised and deleted": lambda keys: [
        enrolled(keys, "bob", BOB, 7),
        *recognised("bob", 8),
        *forgotten(keys, "bob", BOB, 9),
    ],
}


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "bit by bit"])
@pytest.mark.parametrize("start", range(-8, len(ENDS) + len(ORDER)))
@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
async def test_whatever_happens_meanwhile_is_no_breach(
    keys: KeyDirectory, life: Callable[[KeyDirectory], list[Happening]], start: int, at_once: bool
) -> None:
    # ada was enrolled long ago: the answer to that has expired
    before = [enrolled(keys, "ada", ADA, 3)[:2], *recognised("ada", 4)]
    happens = life(keys)
    if start < 0:  # its first part has happened when the audit begins
        before, happens, start = [*before, *happens[:-start]], happens[-start:], 0
    if at_once:
        happens = [list(chain.from_iterable(happens))]
    moving = Moving(before, happens, start)
    until = await all_ends(moving, TOPICS, ())
    found = await findings(facts(keys), Files(TOPICS, ()), moving, until, {})
    assert [breach for finding in found for breach in finding.breaches] == []


async def test_what_is_wrong_from_the_beginning_is_found_on_a_stream_that_moves(keys: KeyDirectory) -> None:
    moving = Moving([*recognised("nobody", 4)], LIVES["deleted"](keys), 0)
    found = await findings(facts(keys), Files(TOPICS, ()), moving, await all_ends(moving, TOPICS, ()), {})
    assert {finding.promise.value for finding in found if finding.breaches} == {3}


async def test_a_topic_that_cannot_be_read_is_not_asked_for(keys: KeyDirectory) -> None:
    moving = Moving([*recognised("nobody", 4)], [], 0)
    closed = dict.fromkeys((RECOGNITIONS, SIGHTINGS, VISITS), "no right")
    until = await all_ends(moving, TOPICS, closed)
    assert set(until) == set(ENDS) - set(closed)
    found = await findings(facts(keys), Files(TOPICS, ()), moving, until, closed)
    assert [breach for finding in found for breach in finding.breaches] == []
    assert "recognitions cannot be read: no right" in found[2].unseen


async def test_without_control_nobody_can_say_that_a_silent_worker_is_gone(keys: KeyDirectory) -> None:
    moving, closed = Moving([], [], 0), {CONTROL: "no right"}
    found = await findings(facts(keys), Files(TOPICS, ()), moving, await all_ends(moving, TOPICS, closed), closed)
    assert "control cannot be read: no right" in found[3].unseen
