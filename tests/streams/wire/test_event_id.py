"""Event ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.wire.event_id import EventId

PLACES = st.builds(
    EventId,
    epoch=st.text("0123456789abcdef", min_size=8, max_size=8),
    topic=st.sampled_from(["camera-frames", "gallery-commands"]),
    partition=st.integers(0, 10_000),
    offset=st.integers(0, 2**63 - 1),
)


def test_an_id_tells_the_place_of_its_request() -> None:
    assert str(EventId("0123abcd", "camera-frames", 3, 41)) == "0123abcd-camera-frames-3-41"


@given(PLACES)
def test_what_is_written_can_be_read(place: EventId) -> None:
    assert EventId.parse(str(place)) == place


@given(PLACES, PLACES)
def test_two_places_never_share_an_id(one: EventId, other: EventId) -> None:
    assert (str(one) == str(other)) == (one == other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0123abcd-camera-frames-3",
        "0123abc-camera-frames-3-41",
        "0123ABCD-camera-frames-3-41",
        "0123abcd-camera-frames-3--1",
        "0123abcd-camera-frames-3-41 ",
        "0123abcd-camera-frames-3-41\n",
        "0123abcd-Camera-3-41",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an event id"):
        EventId.parse(text)


def test_a_refusal_does_not_repeat_a_long_text() -> None:
    with pytest.raises(ValueError, match="not an event id") as caught:
        EventId.parse("x" * 10_000)
    assert len(str(caught.value)) < 120
