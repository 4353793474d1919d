"""Many readers beside one writer: never an exception, never a torn answer, never a forgotten person."""

import sys
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from models.gallery.gallery import Gallery
from models.gallery.protect import Protector
from models.types import Float32

READERS = 3
ROUNDS = 150


@pytest.fixture
def eager_switching() -> Iterator[None]:
    """Threads take turns a thousand times more often than usual."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(usual)


class Ghost:
    """Somebody who comes and goes; `turn` is odd while a search that begins must not find it."""

    def __init__(self) -> None:
        self.turn = 1


def read_until(
    done: threading.Event, gallery: Gallery, ghost: Ghost, anchor: Float32, probe: Float32, faults: list[str]
) -> None:
    searches = 0
    try:
        while not done.is_set() or searches < 50:
            searches += 1
            exact = searches % 2 == 0
            found = gallery.search(anchor, exact=exact).candidates
            if found[0].person_id != "anchor" or found[0].similarity < 0.9:
                faults.append(f"anchor: {found}")
            before = ghost.turn
            found = gallery.search(probe, exact=exact).candidates
            if before % 2 and ghost.turn == before and any(c.person_id == "ghost" for c in found):
                faults.append(f"ghost: {found}")
            if found[0].person_id == "ghost" and found[0].similarity < 0.9:
                faults.append(f"torn: {found}")
    except Exception as error:  # noqa: BLE001 - whatever a reader raises is the finding
        faults.append(repr(error))


@pytest.mark.usefixtures("eager_switching")
def test_readers_beside_a_writer(
    make_gallery: Callable[..., Gallery], protector: Protector, unit: Callable, near: Callable
) -> None:
    gallery = make_gallery(hnsw_from=1, rebuild_share=0.02)
    strings = np.frombuffer(b"".join(protector.protect(e) for e in unit(1, 400)), np.uint8).reshape(400, -1)
    gallery.fill([(f"p{i}", "1") for i in range(400)], strings)
    anchor, probe, ghost = unit(2), unit(3), Ghost()
    gallery.add("anchor", "0", protector.protect(anchor))
    done, faults = threading.Event(), []
    readers = [
        threading.Thread(target=read_until, args=(done, gallery, ghost, anchor, probe, faults)) for _ in range(READERS)
    ]
    rebuilder = threading.Thread(target=lambda: [gallery.rebuild() for _ in iter(done.is_set, True)])
    for thread in (*readers, rebuilder):
        thread.start()
    for turn in range(ROUNDS):
        ghost.turn += 1
        gallery.add("ghost", str(turn % 3), protector.protect(near(probe, 0.99, turn)))
        gallery.add("anchor", "0", protector.protect(near(anchor, 0.999, turn)))  # replaced, never missing
        gallery.forget(f"p{turn}")
        if turn % 2:
            gallery.rebuild()
        assert gallery.forget("ghost") == 1
        ghost.turn += 1
    done.set()
    for thread in (*readers, rebuilder):
        thread.join(timeout=60)
        assert not thread.is_alive()
    assert faults == []
    assert len(gallery) == 400 - ROUNDS + 1
