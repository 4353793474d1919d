"""What a partition's log still holds of the erased."""

import pytest

from streams.agents.erasure.leftovers import History, Names
from streams.wire.partitioning import partition_of
from tests.streams.agents.erasure.conftest import Read, open_visits, place, reference

ADA, BOB = reference(1), reference(2)
KEY, E1, E2 = (place(ADA, feature).encode() for feature in (None, "e1", "e2"))
OTHER, OF_OTHER = (place(BOB, feature).encode() for feature in (None, "e3"))


def history(*rows: tuple[bytes, bytes | None]) -> History:
    found = History(0, 1)
    for offset, (key, value) in enumerate(rows):
        found.apply(Read(key, value, offset))
    return found


def test_a_value_before_its_tombstone_is_left_and_what_stays_is_not() -> None:
    found = history((KEY, b"k"), (E1, b"f"), (OTHER, b"k"), (OF_OTHER, b"f"), (E1, None), (KEY, None))
    assert found.leftovers(6) == 2
    assert found.leftovers(4) == 0  # nothing was erased yet
    assert set(found.tombstones()) == {E1, KEY}


def test_a_clean_log_holds_tombstones_alone_or_not_even_these() -> None:
    assert history((OTHER, b"k"), (OF_OTHER, b"f"), (E1, None), (KEY, None)).leftovers(9) == 0
    assert history((OTHER, b"k"), (OF_OTHER, b"f")).leftovers(9) == 0


def test_another_deletion_that_came_later_is_not_waited_for() -> None:
    assert history((KEY, b"k"), (E1, b"f"), (E1, None), (KEY, None)).leftovers(2) == 0


def test_what_is_written_behind_a_tombstone_is_left_until_that_is_erased_too() -> None:
    late = history((KEY, b"k"), (E1, b"f"), (E1, None), (KEY, None), (E1, b"f"))
    assert (late.leftovers(4), late.leftovers(5)) == (2, 2)
    assert set(late.tombstones()) == {KEY}
    compacted = history((KEY, None), (E1, None), (E1, b"f"), (KEY, None), (E1, None), (E1, None))
    assert (compacted.leftovers(2), compacted.leftovers(4), compacted.leftovers(6)) == (0, 1, 1)
    assert set(compacted.tombstones()) == {KEY, E1}


def test_a_feature_without_the_key_that_opens_it_is_left() -> None:
    assert history((E1, b"f"), (E2, b"f")).leftovers(9) == 2
    assert history((KEY, b"k"), (E1, b"f"), (KEY, None)).leftovers(9) == 2


def test_fillers_and_keys_of_others_are_passed_over() -> None:
    assert history((b"~filler", b""), (b"not/one/of/ours", b"v"), (b"", b"v")).leftovers(9) == 0


def test_whom_visits_name_whatever_else_stands_there() -> None:
    names = Names(0, 1)
    for value in (open_visits("ada"), open_visits(None), b"no record", b"", None):
        names.apply(Read(b"lobby", value))
    names.apply(Read(b"~filler", b""))
    assert names.found == {("default", "ada")}
    assert names.astray == {}


@pytest.mark.parametrize("key", [KEY, E1])
def test_what_stands_in_a_partition_that_is_not_its_own_is_astray_and_left_until_it_is_gone(key: bytes) -> None:
    own = place(ADA).partition(2)
    found, away = History(own, 2), History(1 - own, 2)
    for history_of in (found, away):
        history_of.apply(Read(KEY, b"k", 0))
        history_of.apply(Read(key, b"v", 1))
    assert (found.astray(), found.leftovers(9)) == ([], 0)
    assert away.astray() == sorted({KEY, key})
    assert (away.leftovers(9), away.leftovers(0)) == (len({KEY, key}), 0)
    away.apply(Read(key, None, 12))  # behind what workers were asked for: it is left all the same
    assert key not in away.astray()
    assert away.leftovers(9) == len({KEY, key})
    away.apply(Read(key, b"v", 13))
    assert key in away.astray()


def test_visits_under_a_key_or_in_a_partition_that_is_not_the_cameras_are_astray_until_they_are_replaced() -> None:
    own = partition_of(b"lobby", 2)
    found, away = Names(own, 2), Names(1 - own, 2)
    for names in (found, away):
        names.apply(Read(b"lobby", open_visits("ada", "lobby")))
    found.apply(Read(b"door", open_visits("ada", "lobby")))
    assert found.astray == {b"door": {("default", "ada")}}
    assert away.astray == {b"lobby": {("default", "ada")}}
    for names, key in ((found, b"door"), (away, b"lobby")):
        names.apply(Read(key, None))
        assert names.astray == {}
        assert names.found == {("default", "ada")}
