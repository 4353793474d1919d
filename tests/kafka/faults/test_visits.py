"""Visits in pieces are found, whole ones are not."""

import pytest

from tests.kafka.faults.visits import named_visits, split_visits

TIMEOUT_MS = 5000


def sighting(visit: str, event: str, last_ms: int, about: str, first_ms: int = 0, person: str | None = "ada") -> dict:
    return {
        "event_id": about,
        "visit_id": visit,
        "event": event,
        "camera_id": "lobby",
        "person_id": person,
        "first_seen_ms": first_ms,
        "last_seen_ms": last_ms,
    }


ENTER, EXIT = sighting("v", "enter", 0, "a"), sighting("v", "exit", 900, "b")


@pytest.mark.parametrize(
    "whole",
    [
        pytest.param([ENTER, EXIT, EXIT], id="a repeated record"),
        pytest.param([ENTER, sighting("v", "update", 700, "u"), EXIT, ENTER, EXIT], id="a repeated course"),
        pytest.param([ENTER, EXIT, sighting("w", "enter", 5900, "c", first_ms=5900)], id="a second visit"),
        pytest.param([ENTER, {**ENTER, "visit_id": "w", "camera_id": "gate"}], id="at another camera"),
        pytest.param([ENTER, {**ENTER, "visit_id": "w", "person_id": "bea"}], id="of another person"),
        pytest.param(
            [{**ENTER, "person_id": None}, sighting("v", "update", 400, "u"), EXIT], id="an unknown who becomes known"
        ),
        pytest.param([{**ENTER, "person_id": None}, {**ENTER, "person_id": None, "visit_id": "w"}], id="of unknowns"),
    ],
)
def test_whole_visits(whole) -> None:
    assert split_visits(whole, TIMEOUT_MS) == 0


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([ENTER, sighting("w", "enter", 800, "c", first_ms=800)], id="one begins in the other"),
        pytest.param([ENTER, sighting("w", "enter", 99_000, "c", first_ms=99_000)], id="the first never ends"),
        pytest.param([ENTER, EXIT, sighting("w", "enter", 5800, "c", first_ms=5800)], id="too soon after"),
        pytest.param([ENTER, sighting("v", "enter", 700, "c")], id="enters twice"),
        pytest.param([ENTER, EXIT, sighting("v", "exit", 950, "c")], id="leaves twice"),
        pytest.param([ENTER, EXIT, sighting("v", "update", 950, "c")], id="goes on after it left"),
    ],
)
def test_visits_that_should_have_been_one(pieces) -> None:
    assert split_visits(pieces, TIMEOUT_MS) == 1


def test_named_visits_are_those_that_bear_a_name_at_any_time() -> None:
    assert named_visits([{**ENTER, "person_id": None}, sighting("w", "enter", 0, "c"), EXIT]) == {"v", "w"}
    assert named_visits([{**ENTER, "person_id": None}]) == set()
