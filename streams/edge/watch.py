"""A table of who is in front of which camera, from sightings."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from rich.table import Table
from rich.text import Text

from streams.wire.records import Sighting

MAX_ROWS: Final = 200
"""Visits kept; the longest unseen go first."""

EXITED_SHOWN_MS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Row:
    """A visit. person_id: None for an unknown. left: why it ended, None while it goes on. Times by the broker."""

    camera_id: str
    person_id: str | None
    first_seen_ms: int
    last_seen_ms: int
    frames: int
    best_similarity: float | None
    left: str | None


def advance(rows: Mapping[str, Row], sighting: Sighting) -> dict[str, Row]:
    """The table after one more sighting; rows by visit id, at most MAX_ROWS."""
    row = Row(
        camera_id=sighting.camera_id,
        person_id=sighting.person_id,
        first_seen_ms=sighting.first_seen_ms,
        last_seen_ms=sighting.last_seen_ms,
        frames=sighting.frames,
        best_similarity=sighting.best_similarity,
        left=(sighting.reason or "left") if sighting.event == "exit" else None,
    )
    following = {**rows, sighting.visit_id: row}
    by_age = sorted(following, key=lambda visit_id: following[visit_id].last_seen_ms)
    for visit_id in by_age[:-MAX_ROWS]:
        del following[visit_id]
    return following


def current(rows: Mapping[str, Row], now_ms: int) -> dict[str, Row]:
    """The rows without visits whose person was last seen long ago and has left."""
    return {
        visit_id: row
        for visit_id, row in rows.items()
        if row.left is None or now_ms - row.last_seen_ms <= EXITED_SHOWN_MS
    }


def render(rows: Mapping[str, Row], now_ms: int) -> Table:
    """The table, by camera and then by time; visits that have ended are dim."""
    table = Table(title="In front of the cameras", expand=True)
    for heading in ("camera", "person"):
        table.add_column(heading, overflow="fold")
    for heading in ("since", "last seen", "frames", "similarity"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in sorted(rows.values(), key=lambda row: (row.camera_id, row.first_seen_ms)):
        table.add_row(*_cells(row, now_ms), style="dim" if row.left else "")
    return table


def _cells(row: Row, now_ms: int) -> Iterator[Text]:
    # Text, not markup: ids are the customer's and may hold brackets
    yield Text(row.camera_id)
    yield Text(row.person_id or "unknown", style="" if row.person_id else "yellow")
    yield Text(_time_of_day(row.first_seen_ms))
    seconds_ago = max(0, now_ms - row.last_seen_ms) // 1000
    yield Text(f"{row.left}, {seconds_ago} s ago" if row.left else f"{seconds_ago} s ago")
    yield Text(str(row.frames))
    yield Text("" if row.best_similarity is None else f"{row.best_similarity:.2f}")


def _time_of_day(at_ms: int) -> str:
    """By this machine's clock; empty for what is no time that it can show."""
    try:
        return time.strftime("%H:%M:%S", time.localtime(at_ms / 1000))
    except (OverflowError, ValueError, OSError):
        return ""
