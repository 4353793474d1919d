"""Whom a deletion forbids to name: in its scope, and as long as nobody enrolls the person anew."""

import pytest

from models.gallery.keys import KeyDirectory
from streams.agents.erasure.erased import Erased
from tests.streams.agents.erasure.conftest import erasure


class Known:
    """A gallery view that holds carl, in vip alone."""

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
