"""No bytes of any length show in a line, whoever wrote it."""

import json
import logging
import random
import re

import numpy as np
import pytest
import structlog

from streams.audit.pictures import Shingles, spellings
from streams.cli.logging_setup import set_up_log
from streams.cli.redaction import MOST_SHOWN, without_bytes

pytestmark = pytest.mark.usefixtures("log_as_before")

PICTURE = random.Random(5).randbytes(3000)
"""Both quotation marks, backslashes and line ends are in it."""
KNOWN = Shingles(spellings(PICTURE))


def test_a_literal_gives_way_to_its_number() -> None:
    assert without_bytes(f"before {PICTURE!r} and {PICTURE[:40]!r}.") == "before <3000 bytes> and <40 bytes>."
    assert without_bytes(f"{bytearray(PICTURE)!r}") == "bytearray(<3000 bytes>)"


@pytest.mark.parametrize(
    "text", ["plain words", "it's Bob's b'ook'", f"key {b'k' * MOST_SHOWN!r}", "grab'" + "x" * 40 + "'", ""]
)
def test_all_else_stays(text) -> None:
    assert without_bytes(text) == text


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_literal_in_the_repr_of_a_text_in_another_gives_way(times) -> None:
    text = f"value={PICTURE!r}"
    for _ in range(times):
        text = repr(ValueError(text))
    assert times > 1 or KNOWN.offset_in(text.encode()) is not None
    shown = without_bytes(text)
    assert len(shown) < 200
    assert shown.startswith("ValueError(")


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_rows_of_numbers_give_way(kind) -> None:
    array = np.frombuffer(PICTURE[:1200], np.uint8).reshape(20, 20, 3).astype(kind) / kind(1)
    for text in (repr(array), str(array), repr(array.ravel().tolist())):
        assert len(re.findall(r"\d+", without_bytes(f"a picture {text} of 20 x 20"))) <= 8
    assert without_bytes("offsets 1, 2, 3 to 15 of 8.5 s") == "offsets 1, 2, 3 to 15 of 8.5 s"


@pytest.mark.parametrize("cut", [300, 301, 302, 303])
def test_a_literal_that_was_cut_gives_way_as_well(cut) -> None:
    assert KNOWN.offset_in(without_bytes(f"value={PICTURE!r}"[:cut]).encode()) is None


def failing() -> Exception:
    """As by a library that shows what it stumbled over."""
    try:
        try:
            PICTURE.decode("ascii")
        except UnicodeDecodeError as error:
            raise ValueError(PICTURE, repr(error)) from error
    except ValueError as error:
        return error


@pytest.mark.parametrize("terminal", [False, True])
def test_neither_our_lines_nor_those_of_libraries_show_a_picture(capsys, monkeypatch, terminal) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    set_up_log("debug")
    error = failing()
    ours, theirs = structlog.get_logger("any"), logging.getLogger("aiokafka.client")
    ours.error("failed", error=repr(error), given=PICTURE, all=[PICTURE, {"value": repr(PICTURE)}], exc_info=error)
    theirs.error("failed: %r", PICTURE, exc_info=error)
    theirs.error("failed %s", error)
    theirs.error("failed %s", error)
    logging.shutdown([lambda: logging.getLogger().handlers[0]])
    written = capsys.readouterr().err
    assert "ValueError" in written
    assert "<3000 bytes>" in written
    assert "(1 more like it" in written
    assert KNOWN.offset_in(written.encode()) is None


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (ValueError(PICTURE), "ValueError(<3000 bytes>)"),
        ({PICTURE: 1, "of": {repr(PICTURE): None}}, {"<3000 bytes>": 1, "of": {"<3000 bytes>": None}}),
        ([0.5] * 16, "<16 numbers>"),
        ([[np.float32(0.5)] * 8] * 8, "<64 numbers>"),
        (([1, 2.5, True, None], "a word"), [[1, 2.5, True, None], "a word"]),
        (list(range(15)), list(range(15))),
    ],
)
def test_what_a_line_is_given_is_shown_as_far_as_it_is_no_data(capsys, given: object, shown: object) -> None:
    set_up_log("debug")
    structlog.get_logger("any").error("failed", given=given)
    assert json.loads(capsys.readouterr().err)["given"] == shown


def test_the_search_would_find_it() -> None:
    assert KNOWN.offset_in(repr(failing()).encode()) is not None
