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
        ("Åsa", "Åsa"),
        ("7", "7"),
        ("4711", "4711"),
        ("--", "--"),
    ],
)
def test_an_id_in_a_text_is_found(person_id: str, text: str) -> None:
    assert person_id in PersonIds(["another", person_id]).standing_in(text)


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
        ("1080", "2 faces in a picture of 1920 x 1080 pixels"),
        ("--", "a -- b"),
    ],
)
def test_a_part_of_a_word_and_what_may_stand_by_chance_is_not(person_id: str, text: str) -> None:
    assert not list(PersonIds([person_id]).standing_in(text))


def test_who_is_compared_as_a_whole_alone_is_counted() -> None:
    ids = PersonIds(["7", "640", "--", "Li", "bob", "4711"])
    assert (len(ids), ids.whole_alone) == (6, 5)
    assert (list(ids.being("640")), list(ids.being("641")), list(ids.being(None))) == (["640"], [], [])
