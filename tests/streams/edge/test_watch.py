from io import StringIO
from typing import Any

from rich.console import Console

from streams.edge.watch import EXITED_SHOWN_MS, MAX_ROWS, Row, advance, current, render
from streams.wire.records import Sighting


def sighting(kind: Any, visit_id: str = "v1", *, person_id: str | None = "ada", **more: Any) -> Sighting:
    fields = {"first_seen_ms": 1_000, "last_seen_ms": 2_000, "frames": 3, "best_similarity": 0.7} | more
    return Sighting(
        event=kind,
        event_id="0000000a-camera-frames-0-1",
        visit_id=visit_id,
        camera_id="lobby",
        account="main",
        region="eu",
        gallery="default",
        person_id=person_id,
        **fields,
    )


def test_a_visit_is_one_row_from_enter_to_exit() -> None:
    rows = advance({}, sighting("enter", person_id=None, best_similarity=None))
    assert rows == {"v1": Row("lobby", None, 1_000, 2_000, 3, None, None)}

    rows = advance(rows, sighting("update", frames=9, last_seen_ms=4_000))
    assert rows == {"v1": Row("lobby", "ada", 1_000, 4_000, 9, 0.7, None)}

    rows = advance(rows, sighting("exit", frames=9, last_seen_ms=4_000, reason="silent"))
    assert rows == {"v1": Row("lobby", "ada", 1_000, 4_000, 9, 0.7, "silent")}


def test_the_table_before_is_left_as_it_was() -> None:
    before = advance({}, sighting("enter"))

    advance(before, sighting("exit", reason="left"))

    assert before["v1"].left is None


def test_who_has_left_is_shown_for_a_while() -> None:
    rows = advance(advance({}, sighting("exit", "gone", reason="left")), sighting("enter", "here"))

    assert set(current(rows, 2_000 + EXITED_SHOWN_MS)) == {"gone", "here"}
    assert set(current(rows, 2_001 + EXITED_SHOWN_MS)) == {"here"}


def test_the_table_does_not_grow_without_end() -> None:
    rows: dict[str, Row] = {}
    for number in range(MAX_ROWS + 5):
        rows = advance(rows, sighting("enter", f"v{number}", last_seen_ms=number))

    assert len(rows) == MAX_ROWS
    assert "v4" not in rows
    assert "v5" in rows


def test_the_table_shows_ids_as_they_are() -> None:
    rows = advance({}, sighting("update", person_id="[bold]ada", last_seen_ms=2_000))
    rows = advance(rows, sighting("exit", "v2", person_id=None, best_similarity=None, reason="handover"))
    console = Console(width=100, record=True, file=StringIO())

    console.print(render(rows, 5_400))
    text = console.export_text()

    assert "[bold]ada" in text
    assert "3 s ago" in text
    assert "0.70" in text
    assert "unknown" in text
    assert "handover, 3 s ago" in text


def test_a_time_that_no_calendar_has_is_left_out() -> None:
    rows = advance({}, sighting("enter", first_seen_ms=10**25))
    console = Console(file=StringIO(), width=120)
    console.print(render(rows, 3_000))
    assert "ada" in console.file.getvalue()
