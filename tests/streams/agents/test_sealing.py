"""What the running log says of a person: opens with the person's key alone, in its own entry alone."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import SealError
from streams.agents import sealing
from streams.agents.sealing import DAYS_KEPT, Locators, locator, open_person, seal_person
from streams.wire.records import LoggedFace, LoggedPerson, SealedPerson
from streams.wire.topics import MS_PER_DAY

KEY, OTHER = b"k" * 32, b"o" * 32
EVENT = "0a0b0c0d-camera-frames-3-7"
ADA = LoggedPerson(
    gallery="default",
    person_id="ada",
    results=[LoggedFace(track_id="t1", status="matched", similarity=0.71)],
)
IDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def seal(logged: LoggedPerson = ADA, key: bytes = KEY, at_ms: int = 1000) -> SealedPerson:
    return seal_person(key, logged, event_id=EVENT, requested_at_ms=at_ms)


@given(gallery=IDS, person_id=IDS, tracks=st.lists(IDS, max_size=3))
def test_what_was_sealed_comes_out_again(gallery: str, person_id: str, tracks: list[str]) -> None:
    faces = [LoggedFace(track_id=track, status="matched", similarity=0.5) for track in tracks]
    logged = LoggedPerson(gallery=gallery, person_id=person_id, results=faces)
    assert open_person(KEY, seal(logged), event_id=EVENT) == logged


def test_nothing_of_it_is_readable_and_it_is_never_sealed_alike_twice() -> None:
    first, second = seal(), seal()
    assert b"ada" not in base64.b64decode(first.text)
    assert (first.locator, first.text != second.text) == (second.locator, True)


@pytest.mark.parametrize("key", [OTHER, b"K" * 32])
def test_another_key_opens_nothing(key: bytes) -> None:
    with pytest.raises(SealError):
        open_person(key, seal(), event_id=EVENT)


def test_it_opens_in_the_entry_of_its_own_event_alone() -> None:
    with pytest.raises(SealError):
        open_person(KEY, seal(), event_id="0a0b0c0d-camera-frames-3-8")


@pytest.mark.parametrize("text", ["", "no base64", "AA==", "ä"])
def test_what_was_never_sealed_does_not_open(text: str) -> None:
    with pytest.raises(SealError):
        open_person(KEY, SealedPerson(locator="0" * 16, text=text), event_id=EVENT)


def test_an_altered_byte_is_noticed() -> None:
    sealed = seal()
    raw = bytearray(base64.b64decode(sealed.text))
    raw[20] ^= 1
    with pytest.raises(SealError):
        open_person(KEY, SealedPerson(locator="", text=base64.b64encode(raw).decode()), event_id=EVENT)


def test_a_locator_is_the_same_all_day_for_one_key_and_another_one_the_next_day() -> None:
    last_ms = MS_PER_DAY - 1
    assert locator(KEY, 0) == locator(KEY, last_ms) == seal(at_ms=last_ms).locator
    assert len({locator(KEY, 0), locator(KEY, MS_PER_DAY), locator(OTHER, 0), locator(OTHER, MS_PER_DAY)}) == 4
    assert all(len(found) == 16 and int(found, 16) >= 0 for found in (locator(KEY, 0), locator(OTHER, 5)))


def test_its_length_does_not_tell_how_long_the_id_is() -> None:
    lengths = {len(seal(LoggedPerson(gallery="g", person_id="x" * size, results=[])).text) for size in range(1, 70)}
    assert len(lengths) == 1


def test_what_this_version_sealed_opens_for_ever() -> None:
    golden = SealedPerson(
        locator="1021530b4434c4dc",
        text="AdYZl7Lxex1L3i/UphXl+7W8tTI060l1jKInFAW45L9RisQKBgUJ7+KviF/SR7XhUq8AtDfuhBRTkMmfvliXko4Set7EpAirLkjXkgtFRL"
        "CA1ClFTBWpY+iUURdHtK+t4CkSep5U9i4Gyw0qhNwyEPTLeDNhsBHgWGv80iwvH9oqVCbpF3lrSEUaPO5yRFEhylMKqC3ofVI7l+wsDA==",
    )
    assert locator(KEY, 1000) == golden.locator
    assert open_person(KEY, golden, event_id=EVENT) == ADA


def test_locators_of_a_few_days_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def counted(data_key: bytes, at_ms: int) -> str:
        made.append(at_ms // MS_PER_DAY)
        return locator(data_key, at_ms)

    monkeypatch.setattr(sealing, "locator", counted)
    of = {day: SealedPerson(locator=locator(KEY, day * MS_PER_DAY), text="") for day in range(DAYS_KEPT + 1)}
    located = Locators([KEY])
    for day in (*range(DAYS_KEPT + 1), DAYS_KEPT, 0):
        assert located.data_key(of[day], day * MS_PER_DAY + 5) == KEY
    assert made == [*range(DAYS_KEPT + 1), 0], "the first day was given up for the last"
