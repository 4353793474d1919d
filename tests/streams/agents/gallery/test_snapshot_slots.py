"""A numbered directory is one worker's at a time, and free again when that worker has ended."""

import os
import subprocess
import sys

import pytest

from streams.agents.gallery.snapshot_slots import Slot


def test_each_holder_has_the_lowest_free_number(tmp_path) -> None:
    slots = [Slot.take(tmp_path / "main") for _ in range(3)]
    assert [slot.path.name for slot in slots] == ["0", "1", "2"]
    slots[1].release()
    assert Slot.take(tmp_path / "main").path == slots[1].path


def test_directories_that_are_made_are_the_owner_s(tmp_path) -> None:
    slot = Slot.take(tmp_path / "snapshots" / "main")
    assert slot.snapshot.parent == slot.path == tmp_path / "snapshots" / "main" / "0"
    for made in (slot.path, slot.path.parent, slot.path.parent.parent):
        assert made.stat().st_mode & 0o7777 == 0o700
    assert (slot.path / "lock").stat().st_mode & 0o7777 == 0o600


def test_a_process_that_is_killed_holds_nothing(tmp_path) -> None:
    holder = (
        "import pathlib, sys, time; from streams.agents.gallery.snapshot_slots import Slot;"
        " slot = Slot.take(pathlib.Path(sys.argv[1])); print(slot.path.name, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", holder, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"0\n"
        assert Slot.take(tmp_path).path.name == "1"
        process.kill()
        process.wait()
    assert Slot.take(tmp_path).path.name == "0"


def test_only_what_nobody_holds_is_free_and_it_is_held_meanwhile(tmp_path) -> None:
    held, free, other = (Slot.take(tmp_path) for _ in range(3))
    free.release()
    other.release()
    (tmp_path / "notes").mkdir()
    assert Slot.paths(tmp_path) == [held.path, free.path, other.path]
    with Slot.held_if_free(held.path) as taken, Slot.held_if_free(free.path) as slot:
        assert taken is None
        assert slot.path == free.path
        with Slot.held_if_free(free.path) as again:
            assert again is None
    assert Slot.take(tmp_path).path == free.path
    held.release()


@pytest.mark.parametrize("names", [("gallery",), (".gallery.new",), ("gallery", "gallery.json")])
def test_knows_when_it_was_last_written_to(tmp_path, names) -> None:
    slot = Slot.take(tmp_path)
    assert slot.written_at_ms() is None
    for number, name in enumerate(names):
        (slot.path / name).touch()
        os.utime(slot.path / name, (5, 5 + number))
    assert slot.written_at_ms() == 1000 * (4 + len(names))
