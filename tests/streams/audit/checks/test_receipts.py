import pytest
from msgspec import structs

from streams.audit.reading import Seen
from streams.wire.records import Confirmed, Receipt
from streams.wire.topics import CONTROL
from streams.wire.topics import MS_PER_DAY as DAY_MS
from streams.wire.workers import key_of
from tests.streams.audit.deletions import FORGET, answer, erasure, signed
from tests.streams.audit.made import NOW_MS, shown

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


def test_who_has_not_confirmed_where_nothing_says_how_far_is_not_taken_to_have(
    audited_deletion, keys, receipt: Receipt
) -> None:
    named = signed(keys, structs.replace(receipt, silent=["w2"]))
    assert HOLDS in audited_deletion(keys, erasure(keys), answer(named), said(applied=9)).unseen
