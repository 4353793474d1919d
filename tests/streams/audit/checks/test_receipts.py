import asyncio
from typing import cast

import pytest
from msgspec import structs

from models.gallery.keys import KeyDirectory
from streams.agents.erasure.receipts import Receipts
from streams.audit.reading import Seen
from streams.engine.brokers import EMBEDDED
from streams.engine.reading.evidence import Look
from streams.wire.headers import Deployment
from streams.wire.records import Confirmed, Erasure, Receipt
from streams.wire.topics import CONTROL, ERASURES, GALLERY_EVENTS
from streams.wire.topics import MS_PER_DAY as DAY_MS
from streams.wire.workers import key_of
from tests.streams.audit.deletions import FORGET, answer, erasure, signed
from tests.streams.audit.made import EPOCH, NOW_MS, TOPICS, shown

ACCOUNT = f"{EPOCH}-gallery-commands-0-9"
REACHED = {"0": 5, "1": 3}


def said(worker: str = "w2", *, applied: int = 0, saved: dict[str, int] | None = None) -> Seen:
    word = Confirmed(worker=worker, applied={"0": applied, "1": applied}, saved=saved, written_at_ms=0)
    return shown(CONTROL, word, key=key_of(worker))


HOLDS = "what w2 still holds of what request r-1 deleted: it is silent"


def test_a_receipt_that_is_missing_or_altered_is_broken(audited_deletion, keys, receipt: Receipt) -> None:
    assert audited_deletion(keys, erasure(keys)).breaches == (f"a deletion without a receipt: {FORGET}",)
    altered = structs.replace(receipt, persons=2)
    assert audited_deletion(keys, erasure(keys), answer(altered)).verdict == "broken"


@pytest.mark.parametrize("days", [0, 2, 20])
@pytest.mark.parametrize(
    ("words", "after_days"),
    [
        ([said()], 1),
        ([said(saved=REACHED)], None),
        ([said(applied=5, saved={"0": 4, "1": 3})], None),
        ([said(applied=5, saved={})], None),
        ([said(applied=4), shown(CONTROL, b"<html>", key=key_of("w2"))], 1),
        ([said(saved={}), said("w3", applied=5)], None),
        ([said(applied=5)], 0),
        ([said(applied=5, saved=REACHED)], 0),
        ([said(saved={}), shown(CONTROL, None, key=key_of("w2"))], 0),
        ([], 0),
    ],
    ids=[
        "in memory",
        "a snapshot, and memory behind",
        "a snapshot that is behind",
        "a snapshot of nothing",
        "a word and what is none",
        "beside another",
        "has confirmed since",
        "has confirmed since, snapshot too",
        "taken back",
        "taken back and compacted",
    ],
)
def test_what_a_silent_worker_holds_cannot_be_seen_while_its_word_stands(
    audited_deletion, keys, receipt: Receipt, words: list[Seen], after_days: int | None, days: int
) -> None:
    """after_days: from then on nothing can come of it; None: it may as long as its word stands."""
    at_ms = NOW_MS - days * DAY_MS - 10_000
    named = signed(keys, structs.replace(receipt, silent=["w2"], completed_at_ms=at_ms))
    deletion = erasure(keys, reached=REACHED, requested_at_ms=at_ms - 30_000, updated_at_ms=at_ms)
    finding = audited_deletion(keys, deletion, answer(named), *words)
    may_hold = after_days is None or days < after_days
    assert (HOLDS in finding.unseen, finding.verdict) == (may_hold, "not_observable" if may_hold else "held")


def completed(keys: KeyDirectory, at_ms: int, **fields) -> list[Seen]:
    """The answer and the last record, as a worker writes them."""
    swept = erasure(keys, **({"state": "confirmed", "reached": REACHED, "silent": ["w2"]} | fields)).record
    assert isinstance(swept, Erasure)
    receipts = Receipts(
        topics=TOPICS,
        deployment=Deployment(account="main", app_id="77", region="eu"),
        keys=keys,
        broker=EMBEDDED,
        clock_ms=lambda: at_ms,
    )
    written = asyncio.run(receipts.complete(swept, cast("Look", None)))  # a broker that keeps all is asked nothing
    shorts = {TOPICS.name(short): short for short in (GALLERY_EVENTS, ERASURES)}
    return [shown(shorts[each.topic], each.value, key=each.key) for each in written]


@pytest.mark.parametrize("saved", [{"0": 4, "1": 3}, REACHED], ids=["not yet", "since"])
def test_the_record_that_a_worker_writes_says_how_far_a_silent_one_must_be(
    audited_deletion, keys, saved: dict[str, int]
) -> None:
    at_ms = NOW_MS - 20 * DAY_MS
    written = completed(keys, at_ms, requested_at_ms=at_ms - 30_000)
    finding = audited_deletion(keys, *written, said(applied=5, saved=saved))
    assert (finding.verdict, finding.breaches) == ("held" if saved == REACHED else "not_observable", ())


@pytest.mark.parametrize(
    ("asked_at_ms", "holds"), [(NOW_MS - 20_000, False), (NOW_MS - 50_000, True)], ids=["contained", "asked for later"]
)
def test_of_what_an_accounts_deletion_contained_that_ones_record_says_it(
    audited_deletion, keys, asked_at_ms: int, holds: bool
) -> None:
    receipt, _erased = completed(keys, NOW_MS - 10_000, driven_since_ms=NOW_MS - 40_000)
    account = {"event_id": ACCOUNT, "scope": "account", "gallery": None, "person": None, "key_id": None, "silent": []}
    of_account = completed(keys, NOW_MS - 10_000, requested_at_ms=asked_at_ms, **account)
    finding = audited_deletion(keys, receipt, *of_account, said(applied=5, saved=REACHED))
    assert (HOLDS in finding.unseen) == holds


def test_who_has_not_confirmed_where_nothing_says_how_far_is_not_taken_to_have(
    audited_deletion, keys, receipt: Receipt
) -> None:
    named = signed(keys, structs.replace(receipt, silent=["w2"]))
    assert HOLDS in audited_deletion(keys, erasure(keys), answer(named), said(applied=9)).unseen
