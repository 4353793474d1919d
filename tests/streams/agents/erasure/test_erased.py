"""Whom a deletion forbids to name: in its scope, and as long as nobody enrolls the person anew."""

from collections.abc import Iterator

import pytest

from models.gallery.keys import KeyDirectory
from streams.agents.erasure.erased import Erased
from streams.agents.gallery.covering import Enrolled
from streams.agents.gallery.references import Reference
from tests.streams.agents.erasure.conftest import COMMAND, erasure


class Known:
    """A gallery view that holds carl, in vip alone."""

    def __init__(self, *standing: Reference) -> None:
        self.standing = standing

    def references(self) -> Iterator[Reference]:
        return iter(self.standing)

    def holds(self, gallery: str, person_id: str) -> bool:
        return (gallery, person_id) == ("vip", "carl")


@pytest.fixture
def erased(tmp_path) -> Erased:
    return Erased(keys=KeyDirectory.create(tmp_path / "keys"), known=Known())


@pytest.mark.parametrize(
    ("person", "gallery", "named"),
    [
        ("ada", None, {("default", "ada"), ("vip", "ada")}),
        ("ada", "vip", {("vip", "ada")}),
        ("carl", None, {("default", "carl")}),  # in vip since enrolled anew
        ("carl", "vip", set()),
    ],
)
def test_the_deletion_of_a_person_reaches_each_gallery_or_the_one_it_names(erased, person, gallery, named) -> None:
    of_person = erasure(person=erased.keys.pseudonym(gallery, person), gallery=gallery)
    everybody = [(gallery, person) for gallery in ("default", "vip") for person in ("ada", "ben", "carl")]
    assert {each for each in everybody if erased.names(of_person, *each)} == named


def test_a_gallery_and_an_account_reach_whoever_is_in_them(erased) -> None:
    of_gallery = erasure(scope="gallery", gallery="vip", person=None)
    assert erased.names(of_gallery, "vip", "ada")
    assert not erased.names(of_gallery, "default", "ada")
    assert not erased.names(of_gallery, "vip", "carl")
    assert erased.names(erasure(scope="account", gallery=None, person=None), "default", "ada")


def closed(gallery: str, offset: int, *, has_key: bool = True, person: str | None = None) -> Reference:
    """A key record that does not open here, unless it is said otherwise."""
    by = COMMAND.rpartition("-")[0]
    return Reference(gallery, f"{offset:032x}", person, has_key, frozenset(), Enrolled(f"{by}-{offset}", 1))


@pytest.mark.parametrize(
    ("asked", "unread"),
    [
        ({"gallery": None}, 3),
        ({"gallery": "vip"}, 1),
        ({"scope": "gallery", "gallery": "vip", "person": None}, 0),  # they go with it
        ({"scope": "account", "gallery": None, "person": None}, 0),
    ],
)
def test_key_records_that_may_be_the_persons_and_do_not_open_are_counted(erased, asked, unread) -> None:
    standing = [closed("default", 1), closed("default", 2), closed("vip", 3)]
    others = [closed("vip", 8), closed("vip", 4, has_key=False), closed("default", 5, person="ben")]
    found = Erased(keys=erased.keys, known=Known(*standing, *others))
    assert found.unread(erasure(**asked)) == unread
