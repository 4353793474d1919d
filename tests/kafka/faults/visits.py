"""Visits of named persons, as the topic sightings tells of them: how many, and how many are pieces of one.

Sightings are given as they were appended, partition by partition. A repeated one (the same visit, event and event id)
counts once.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Sighting = Mapping[str, Any]


@dataclass(slots=True)
class _Span:
    """begun_ms, ended_ms: when the person was first and last seen; without end while the visit is open."""

    begun_ms: int
    ended_ms: float = math.inf


def named_visits(sightings: Iterable[Sighting]) -> set[str]:
    """Ids of the visits that bear a person's name at any time."""
    return {sighting["visit_id"] for sighting in sightings if sighting["person_id"] is not None}


def split_visits(sightings: Iterable[Sighting], timeout_ms: int) -> int:
    """Visits of named persons that enter or leave more than once or go on after they left, and those that begin while
    an earlier one of that person at that camera is open, or less than the timeout after it.
    """
    first: dict[tuple[str, str, str], Sighting] = {}
    for each in sightings:
        first.setdefault((each["visit_id"], each["event"], each["event_id"]), each)
    said = list(first.values())
    named = named_visits(said)
    times = Counter((each["visit_id"], each["event"]) for each in said)
    repeated = {visit for (visit, event), number in times.items() if event != "update" and number > 1}
    return len((repeated | _after_the_exit(said)) & named) + sum(
        later.begun_ms - earlier.ended_ms < timeout_ms
        for spans in _spans(said)
        for earlier, later in pairwise(sorted(spans, key=lambda span: span.begun_ms))
    )


def _after_the_exit(sightings: Iterable[Sighting]) -> set[str]:
    """Visits that go on after they ended."""
    ended: set[str] = set()
    going_on = set()
    for sighting in sightings:
        if sighting["event"] == "exit":
            ended.add(sighting["visit_id"])
        elif sighting["visit_id"] in ended:
            going_on.add(sighting["visit_id"])
    return going_on


def _spans(sightings: Iterable[Sighting]) -> list[list[_Span]]:
    """Of each person at each camera."""
    found: dict[tuple[str, str], dict[str, _Span]] = defaultdict(dict)
    for sighting in sightings:
        if sighting["person_id"] is None:
            continue
        visits = found[sighting["camera_id"], sighting["person_id"]]
        span = visits.setdefault(sighting["visit_id"], _Span(sighting["first_seen_ms"]))
        if sighting["event"] == "exit":
            span.ended_ms = sighting["last_seen_ms"]
    return [list(visits.values()) for visits in found.values()]
