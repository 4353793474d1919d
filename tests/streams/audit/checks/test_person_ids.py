import pytest

from streams.audit.checks.person_ids import PersonIds


@pytest.mark.parametrize(
    ("person_id", "text"),
    [
        ("bob", "bob has no face"),
        ("bob", "no face of (bob)."),
        ("Li Wei", "best: Li Wei, 0.7"),
        ("@ada", "seen: @ada"),
        ("a@b.example", "a@b.example: refused"),
        ("4711", "no face of 4711"),
        ("Åsa", "Åsa"),
        ("7", "7"),
        ("--", "--"),
    ],
)
def test_an_id_in_a_text_is_found(person_id: str, text: str) -> None:
    assert PersonIds(["another", person_id]).stand_in(text)


@pytest.mark.parametrize(
    ("person_id", "text"),
    [
        ("bob", "bobby has no face"),
        ("bob", "kabob"),
        ("Li Wei", "Li Weinberg"),
        ("Li Wei", "Li"),
        ("@ada", "ada"),
        ("7", "offsets 3 to 7"),
        ("640", "640x480 and 640"),
        ("--", "a -- b"),
    ],
)
def test_a_part_of_a_word_and_what_may_stand_by_chance_is_not(person_id: str, text: str) -> None:
    assert not PersonIds([person_id]).stand_in(text)


def test_who_is_compared_as_a_whole_alone_is_counted() -> None:
    ids = PersonIds(["7", "640", "--", "Li", "bob", "4711"])
    assert (len(ids), ids.whole_alone) == (6, 4)
    assert ids.are("640")
    assert not ids.are(None)
