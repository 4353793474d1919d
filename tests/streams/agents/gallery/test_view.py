"""What face-features holds goes into the gallery; what cannot be used is counted and does not stop the view."""

import hashlib
from dataclasses import dataclass, field, replace

import msgspec
import numpy as np
import pytest

from models.errors import SnapshotError
from models.gallery.gallery import Galleries, Gallery
from models.gallery.keys import KeyDirectory
from models.gallery.person import PersonSecret
from models.gallery.protect import Protector
from models.gallery.seal import seal
from models.gallery.statement import Statement
from streams.agents.gallery.view import GalleryView
from streams.wire.codes import Code
from streams.wire.feature_keys import FeatureKey
from streams.wire.records import Erasure

PARTITIONS = 4


@dataclass
class Read:
    """A record as the view hands it on."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)
    elsewhere: bool = False

    @property
    def partition(self) -> int:
        """The one that the key names, unless it is to stand elsewhere."""
        try:
            right = FeatureKey.decode(self.key or b"").partition(PARTITIONS)
        except ValueError:
            right = 0
        return (right + self.elsewhere) % PARTITIONS


def ref(person: str) -> str:
    """The reference of this person; the same each time, so that keys can be written down."""
    return hashlib.md5(person.encode()).hexdigest()


def place_of(person: str, *feature: str, gallery: str = "default") -> bytes:
    return FeatureKey(gallery, ref(person), *feature).encode()


def gone(person: str, *feature: str) -> Read:
    return Read(place_of(person, *feature), None)


def forget(
    scope: str = "person", *, person: str | None = None, offset: int = 100, at_ms: int = 1000, **changes
) -> Erasure:
    """person: its pseudonym."""
    given = {
        "event_id": f"0a0b0c0d-gallery-commands-0-{offset}",
        "request_id": "r",
        "account": "main",
        "scope": scope,
        "gallery": None if scope == "account" else "default",
        "person": person,
        "state": "accepted",
        "requested_at_ms": at_ms,
        "updated_at_ms": at_ms,
    }
    return Erasure(**(given | changes))


class Store:
    """Makes the records that an enrollment writes."""

    def __init__(self, keys: KeyDirectory, protector: Protector) -> None:
        self.keys = keys
        self.protector = protector
        self.data_key = keys.new_data_key()
        self.random = np.random.default_rng(7)

    def key(
        self, person: str, gallery: str = "default", *, under: str | None = None, offset: int = 1, at_ms: int = 500
    ) -> Read:
        """under: whose reference it bears, if not the person's own. offset, at_ms: of the enroll command."""
        place = place_of(under or person, gallery=gallery)
        headers = [
            ("enrolled_by", b"0a0b0c0d-gallery-commands-0-%d" % offset),
            ("requested_at_ms", b"%d" % at_ms),
        ]
        return Read(place, self.keys.wrap(PersonSecret(self.data_key, person).encode(), place=place), headers)

    def feature(
        self, person: str, number: int = 0, model: str = "sface-1", gallery: str = "default", **stated: str
    ) -> Read:
        """stated: in place of the usual."""
        place = place_of(person, f"e{number}", gallery=gallery)
        embedding = self.random.standard_normal(128).astype(np.float32)
        embedding /= np.linalg.norm(embedding)
        usual = Statement(
            key_id=self.keys.template_key.id,
            model_version=model,
            quality="0.81",
            consent="form-7",
            consent_basis="of_age",
            enrolled_at_ms="1700000000000",
        )
        whole = replace(usual, **stated)
        sealed = seal(self.data_key, self.protector.protect(embedding), place=place, stated=whole)
        return Read(place, sealed, [(name, text.encode()) for name, text in whole.texts().items()])


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> KeyDirectory:
    return KeyDirectory.create(tmp_path_factory.mktemp("k") / "keys")


@pytest.fixture
def store(keys) -> Store:
    return Store(keys, Protector(keys.template_key))


@pytest.fixture
def refused() -> list[Code]:
    return []


@pytest.fixture
def known(store, refused) -> GalleryView:
    galleries = Galleries(lambda: Gallery(store.protector, impostor_mean=0.1, impostor_deviation=0.11))
    return GalleryView(
        keys=store.keys, galleries=galleries, model_version="sface-1", partitions=PARTITIONS, refused=refused.append
    )


def test_a_key_and_what_it_seals_make_a_person_known(known, store, refused) -> None:
    for record in (store.key("ada"), store.feature("ada", 0), store.feature("ada", 1)):
        known.apply(record)
    gallery = known.galleries.get("default")
    assert (gallery.persons(), gallery.features("ada")) == (("ada",), ("e0", "e1"))
    assert known.data_key("default", "ada") == store.data_key
    assert known.stored("default", "ada") == {"e0", "e1"}
    assert refused == []


def test_a_tombstone_on_a_feature_forgets_that_feature_alone(known, store) -> None:
    for record in (store.key("ada"), store.feature("ada", 0), store.feature("ada", 1)):
        known.apply(record)
    known.apply(gone("ada", "e0"))
    assert known.galleries.get("default").features("ada") == ("e1",)
    assert known.stored("default", "ada") == {"e1"}


def test_a_tombstone_on_the_key_forgets_all_that_it_sealed(known, store) -> None:
    for record in (store.key("ada"), store.feature("ada", 0), store.key("ben"), store.feature("ben", 0)):
        known.apply(record)
    known.apply(gone("ada"))
    assert known.galleries.get("default").persons() == ("ben",)
    assert known.data_key("default", "ada") is None


def test_after_feature_and_key_are_gone_nothing_is_held(known, store) -> None:
    for record in (store.key("ada"), store.feature("ada", 0)):
        known.apply(record)
    known.apply(gone("ada", "e0"))
    known.apply(gone("ada"))
    assert not known.holds("default", "ada")


def broken(store: Store) -> list[tuple[str, Read, Code]]:
    altered = store.feature("ada")
    altered.value = altered.value[:-1] + bytes([altered.value[-1] ^ 1])
    moved = store.feature("ada")
    moved.key = place_of("ada", "elsewhere")
    bare = store.feature("ada")
    bare.headers = []
    wrong_key = store.key("eve")
    wrong_key.key = place_of("mallory")
    no_secret = Read(place_of("eve"), store.keys.wrap(b"x" * 32, place=place_of("eve")))
    return [
        ("no key", Read(None, b"x"), Code.BAD_RECORD),
        ("one part", Read(b"default", b"x"), Code.BAD_RECORD),
        ("not encoded", Read("default/é".encode(), b"x"), Code.BAD_RECORD),
        ("a name", Read(b"default/ada", b"x"), Code.BAD_RECORD),
        ("altered", altered, Code.BAD_SEAL),
        ("another place", moved, Code.BAD_SEAL),
        ("another model", store.feature("ada", model="arcface-9"), Code.FOREIGN_FEATURE),
        ("another template key", store.feature("ada", key_id="tk-00000000"), Code.FOREIGN_FEATURE),
        ("no headers", bare, Code.BAD_SEAL),
        ("no basis of the consent", store.feature("ada", consent_basis=""), Code.NO_CONSENT),
        ("a blank consent", store.feature("ada", consent="  "), Code.NO_CONSENT),
        ("no data key", store.feature("nobody"), Code.BAD_SEAL),
        ("a key from another person", wrong_key, Code.BAD_SEAL),
        ("a key of nobody", no_secret, Code.BAD_SEAL),
    ]


@pytest.mark.parametrize("which", range(14))
def test_what_cannot_be_used_is_counted_and_the_next_record_is_taken(known, store, refused, which) -> None:
    _, record, code = broken(store)[which]
    known.apply(store.key("ada"))
    known.apply(record)
    known.apply(store.feature("ada", 5))
    assert refused == [code]
    assert known.galleries.get("default").features("ada") == ("e5",)


def test_what_this_worker_cannot_match_can_still_be_forgotten(known, store) -> None:
    known.apply(store.key("ada"))
    known.apply(store.feature("ada", 3, model="arcface-9"))
    assert known.stored("default", "ada") == {"e3"}
    assert known.holds("default", "ada")


def test_galleries_are_apart(known, store) -> None:
    for record in (store.key("ada", "vip"), store.feature("ada", gallery="vip")):
        known.apply(record)
    assert known.galleries.get("vip").persons() == ("ada",)
    assert known.galleries.get("default").persons() == ()


def test_what_is_known_beside_the_gallery_can_be_saved_and_restored(known, store, refused) -> None:
    for record in (store.key("ada"), store.feature("ada", 0), store.feature("ada", 1, model="arcface-9")):
        known.apply(record)
    other = GalleryView(
        keys=store.keys,
        galleries=known.galleries,
        model_version="sface-1",
        partitions=PARTITIONS,
        refused=refused.append,
    )
    other.restore(known.state())
    assert other.data_key("default", "ada") == store.data_key
    assert other.stored("default", "ada") == {"e0", "e1"}
    other.apply(gone("ada", "e1"))
    assert (other.stored("default", "ada"), known.stored("default", "ada")) == ({"e0"}, {"e0", "e1"})


def test_a_state_of_another_form_is_refused_and_changes_nothing(known, store) -> None:
    known.apply(store.key("ada"))
    with pytest.raises(SnapshotError, match="state: "):
        known.restore(b"\x81\xa4more\x01")
    assert known.data_key("default", "ada") == store.data_key


def test_the_state_after_forgetting_holds_neither_id_nor_key(known, store) -> None:
    for record in (store.key("ada"), store.feature("ada", 0)):
        known.apply(record)
    assert b"ada" in known.state()
    assert store.data_key in known.state()
    known.apply(gone("ada", "e0"))
    known.apply(gone("ada"))
    assert b"ada" not in known.state()
    assert store.data_key not in known.state()


def history(store: Store) -> list[Read]:
    """Enrolled, enrolled again, forgotten by feature and by person, and enrolled once more under another reference."""
    before = [store.key("ada"), store.feature("ada", 0), store.key("ben"), store.feature("ben", 0)]
    before += [store.feature("ada", 1), gone("ada", "e0"), gone("ada", "e1"), gone("ada")]
    store.data_key = store.keys.new_data_key()
    again = [store.key("ada", under="ada again"), store.feature("ada again", 2)]
    return [*before, *again, gone("ben", "e0"), gone("ben")]


@pytest.mark.parametrize("saved_at", range(13))
def test_what_was_saved_late_is_mended_by_replaying_from_earlier(known, store, refused, saved_at) -> None:
    records = history(store)
    for record in records[:saved_at]:
        known.apply(record)
    state, (ids, rows) = known.state(), known.galleries.get().contents()
    for offset in range(saved_at + 1):
        galleries = Galleries(lambda: Gallery(store.protector, impostor_mean=0.1, impostor_deviation=0.11))
        other = GalleryView(
            keys=store.keys, galleries=galleries, model_version="sface-1", partitions=PARTITIONS, refused=refused.append
        )
        other.restore(state)
        galleries.get().fill(ids, rows)
        for record in records[offset:]:
            other.apply(record)
        assert galleries.get().contents()[0] == [("ada", "e2")]
        assert other.stored("default", "ada") == {"e2"}
        assert other.data_key("default", "ada") == store.data_key
        assert not other.holds("default", "ben")


def test_what_stands_in_another_partition_than_its_key_names_changes_nothing(known, store, refused) -> None:
    known.apply(replace(store.key("ada"), elsewhere=True))
    assert known.data_key("default", "ada") is None
    known.apply(store.key("ada"))
    known.apply(replace(store.feature("ada", 0), elsewhere=True))
    known.apply(store.feature("ada", 1))
    known.apply(replace(store.key("ada"), value=None, elsewhere=True))
    assert known.galleries.get("default").features("ada") == ("e1",)
    assert refused == [Code.BAD_RECORD] * 3


STATED = ("key_id", "model_version", "quality", "consent", "consent_basis", "enrolled_at_ms")


@pytest.mark.parametrize("other", [b"guardian", b"", None])
@pytest.mark.parametrize("name", STATED)
def test_a_feature_whose_header_is_exchanged_is_matched_no_more(known, store, refused, name, other) -> None:
    known.apply(store.key("ada"))
    for number in range(2):
        known.apply(store.feature("ada", number))
    whole = store.feature("ada", 0)
    known.apply(replace(whole, headers=[(each, other if each == name else text) for each, text in whole.headers]))
    assert refused == [Code.BAD_SEAL]
    assert known.galleries.get("default").features("ada") == ("e1",)
    assert known.stored("default", "ada") == {"e0", "e1"}


@pytest.mark.parametrize("name", STATED)
def test_a_feature_whose_header_is_dropped_is_not_matched(known, store, refused, name) -> None:
    known.apply(store.key("ada"))
    whole = store.feature("ada")
    known.apply(replace(whole, headers=[each for each in whole.headers if each[0] != name]))
    assert refused == [Code.BAD_SEAL]
    assert known.galleries.get("default").features("ada") == ()


def test_the_consent_of_another_feature_of_the_person_is_not_this_ones(known, store, refused) -> None:
    known.apply(store.key("ada"))
    of_old, of_late = store.feature("ada", 0, consent="form-1"), store.feature("ada", 1, consent="form-2")
    known.apply(replace(of_old, headers=of_late.headers))
    assert refused == [Code.BAD_SEAL]


def test_headers_of_others_beside_it_change_nothing(known, store, refused) -> None:
    known.apply(store.key("ada"))
    whole = store.feature("ada")
    known.apply(replace(whole, headers=[("traceparent", b"00"), *reversed(whole.headers)]))
    assert (refused, known.galleries.get("default").features("ada")) == ([], ("e0",))


def test_a_tombstone_for_nobody_makes_no_gallery(known, refused) -> None:
    made = known.galleries.names(), known.galleries.get("default")
    for number in range(3):
        known.apply(Read(place_of("nobody", gallery=f"gallery-{number}"), None))
        known.apply(Read(place_of("nobody", "e1", gallery=f"gallery-{number}"), None))
    assert known.galleries.rebuild() == 0
    assert (known.galleries.names(), known.galleries.get("default")) == made
    assert len(known.galleries._galleries) == 1
    assert refused == []


def names(known: GalleryView) -> tuple[str, ...]:
    return known.galleries.get("default").persons()


def test_what_a_deletion_covers_is_matched_no_more_though_it_still_stands_there(known, store) -> None:
    for record in (store.key("ada"), store.feature("ada", 0), store.key("ben"), store.feature("ben", 1)):
        known.apply(record)
    erasure = forget(person=store.keys.pseudonym("default", "ada"))
    known.erase(erasure)
    assert names(known) == ("ben",)
    assert not known.holds("default", "ada")
    assert (known.reference("default", "ada"), known.data_key("default", "ada")) == (None, None)
    [covered] = known.covered(erasure)
    assert (covered.reference, covered.person_id, covered.features) == (ref("ada"), "ada", {"e0"})


def in_two_galleries(store: Store, person: str = "ada") -> list[Read]:
    return [
        record
        for gallery in ("default", "vip")
        for record in (store.key(person, gallery), store.feature(person, gallery=gallery))
    ]


def matched(known: GalleryView) -> dict[str, tuple[str, ...]]:
    return {name: known.galleries.get(name).persons() for name in ("default", "vip")}


def test_the_deletion_of_a_person_without_a_gallery_covers_each(known, store) -> None:
    for record in [*in_two_galleries(store), *in_two_galleries(store, "ben")]:
        known.apply(record)
    assert known.galleries_of("ada") == ["default", "vip"]
    known.erase(erasure := forget(person=store.keys.pseudonym(None, "ada"), gallery=None))
    assert matched(known) == {"default": ("ben",), "vip": ("ben",)}
    assert known.galleries_of("ada") == []
    assert [known.data_key(name, "ada") for name in ("default", "vip")] == [None, None]
    covered = known.covered(erasure)
    assert {(each.gallery, each.person_id, *each.features) for each in covered} == {
        ("default", "ada", "e0"),
        ("vip", "ada", "e0"),
    }
    for each in covered:
        for feature in ("e0", None):
            known.apply(Read(FeatureKey(each.gallery, each.reference, feature).encode(), None))
    assert known.covered(erasure) == []
    assert known.galleries_of("ben") == ["default", "vip"]


def test_a_deletion_that_names_a_gallery_leaves_the_person_in_the_others(known, store) -> None:
    for record in in_two_galleries(store):
        known.apply(record)
    known.erase(erasure := forget(person=store.keys.pseudonym("vip", "ada"), gallery="vip"))
    assert matched(known) == {"default": ("ada",), "vip": ()}
    assert known.galleries_of("ada") == ["default"]
    assert [each.gallery for each in known.covered(erasure)] == ["vip"]


def test_a_deletion_in_every_gallery_covers_what_comes_late_and_not_who_is_enrolled_later(known, store) -> None:
    known.erase(erasure := forget(person=store.keys.pseudonym(None, "ada"), gallery=None, offset=7))
    for record in in_two_galleries(store):
        known.apply(record)
    assert matched(known) == {"default": (), "vip": ()}
    assert {each.gallery for each in known.covered(erasure)} == {"default", "vip"}
    for record in (store.key("ada", "vip", under="again", offset=8), store.feature("again", gallery="vip")):
        known.apply(record)
    assert matched(known) == {"default": (), "vip": ("ada",)}
    assert known.galleries_of("ada") == ["vip"]


def test_what_is_restored_is_covered_in_every_gallery(known, store) -> None:
    of_nobody = known.state()
    known.erase(erasure := forget(person=store.keys.pseudonym(None, "ada"), gallery=None))
    for record in [*in_two_galleries(store), *in_two_galleries(store, "ben")]:
        known.apply(record)
    state = known.state()
    for record in (gone("ben", "e0"), gone("ben")):
        known.apply(record)
    known.restore(state)
    assert {each.gallery for each in known.covered(erasure)} == {"default", "vip"}
    assert (known.galleries_of("ada"), known.galleries_of("ben")) == ([], ["default", "vip"])
    known.restore(of_nobody)
    assert not known.has_gallery("vip")


def test_a_gallery_is_there_as_long_as_anything_stands_in_it_whosever_it_is(known, store) -> None:
    assert not known.has_gallery("vip")
    for record in (store.key("ada", "vip"), store.feature("ada", gallery="vip")):
        known.apply(record)
    known.apply(Read(place_of("ada", gallery="vip"), None))
    assert (known.galleries_of("ada"), known.has_gallery("vip")) == ([], True)
    known.apply(Read(place_of("ada", "e0", gallery="vip"), None))
    assert not known.has_gallery("vip")


def test_the_deletion_of_a_gallery_that_names_none_covers_nobody(known, store) -> None:
    for record in in_two_galleries(store):
        known.apply(record)
    known.erase(forget("gallery", gallery=None))
    assert matched(known) == {"default": ("ada",), "vip": ("ada",)}


def test_what_comes_late_of_a_deleted_person_is_not_matched_either(known, store) -> None:
    known.erase(erasure := forget(person=store.keys.pseudonym("default", "ada")))
    for record in (store.key("ada"), store.feature("ada", 0)):
        known.apply(record)
    assert names(known) == ()
    assert [each.reference for each in known.covered(erasure)] == [ref("ada")]


def test_what_does_not_open_is_counted_under_a_reference_that_is_being_deleted_too(known, store, refused) -> None:
    known.apply(store.key("ada"))
    known.erase(forget(person=store.keys.pseudonym("default", "ada")))
    altered = store.feature("ada")
    altered.value = altered.value[:-1] + bytes([altered.value[-1] ^ 1])
    known.apply(altered)
    assert refused == [Code.BAD_SEAL]


def test_galleries_of_another_moment_are_pruned_of_what_no_reference_holds(known, store) -> None:
    for record in (store.key("ada"), store.feature("ada", 0), store.key("ben"), store.feature("ben", 1)):
        known.apply(record)
    gallery = known.galleries.get("default")
    gallery.add("eve", "e7", gallery.contents()[1][0].tobytes())
    gallery.add("ada", "e8", gallery.contents()[1][0].tobytes())
    known.prune()
    assert sorted(gallery.contents()[0]) == [("ada", "e0"), ("ben", "e1")]


def test_who_is_enrolled_after_the_deletion_stays(known, store) -> None:
    for record in (store.key("ada"), store.feature("ada", 0)):
        known.apply(record)
    known.erase(erasure := forget(person=store.keys.pseudonym("default", "ada"), offset=7))
    store.data_key = store.keys.new_data_key()
    for record in (store.key("ada", under="again", offset=8), store.feature("again", 1)):
        known.apply(record)
    assert names(known) == ("ada",)
    assert known.galleries.get("default").features("ada") == ("e1",)
    assert (known.reference("default", "ada"), known.data_key("default", "ada")) == (ref("again"), store.data_key)
    for record in (gone("ada", "e0"), gone("ada")):
        known.apply(record)
    assert known.covered(erasure) == []
    assert known.galleries.get("default").features("ada") == ("e1",)


@pytest.mark.parametrize(
    ("scope", "gallery", "left"),
    [("gallery", "vip", {"ada"}), ("gallery", "default", {"ben"}), ("account", None, set())],
)
def test_a_deletion_reaches_as_far_as_its_scope(known, store, scope, gallery, left) -> None:
    for record in (store.key("ada"), store.feature("ada", 0)):
        known.apply(record)
    for record in (store.key("ben", "vip"), store.feature("ben", 0, gallery="vip")):
        known.apply(record)
    known.erase(forget(scope, gallery=gallery))
    assert {each for name in ("default", "vip") for each in known.galleries.get(name).persons()} == left


@pytest.mark.parametrize(
    ("offset", "at_ms", "epoch", "covered"),
    [
        (99, 2000, "0a0b0c0d", True),  # in the same partition the offset says which was first
        (101, 500, "0a0b0c0d", False),
        (101, 999, "ffffffff", True),  # elsewhere the broker's time
        (101, 1000, "ffffffff", True),
        (99, 1001, "ffffffff", False),
    ],
)
def test_what_was_enrolled_before_the_deletion_is_covered(known, store, offset, at_ms, epoch, covered) -> None:
    key = store.key("ada", at_ms=at_ms)
    key.headers[0] = ("enrolled_by", f"{epoch}-gallery-commands-0-{offset}".encode())
    for record in (key, store.feature("ada", 0)):
        known.apply(record)
    known.erase(forget("account"))
    assert names(known) == (() if covered else ("ada",))


def test_a_key_record_that_does_not_say_when_it_was_made_is_covered_by_all(known, store) -> None:
    known.apply(replace(store.key("ada"), headers=[("requested_at_ms", b"soon")]))
    known.apply(store.feature("ada", 0))
    known.erase(forget("account", at_ms=0))
    assert names(known) == ()


def test_features_without_a_key_record_are_orphans(known, store) -> None:
    for record in (store.key("ada"), store.feature("ada", 0), store.feature("ada", 1)):
        known.apply(record)
    assert known.orphans() == []
    known.apply(gone("ada"))
    [orphan] = known.orphans()
    assert (orphan.reference, orphan.person_id, orphan.features) == (ref("ada"), None, {"e0", "e1"})
    for number in (0, 1):
        known.apply(gone("ada", f"e{number}"))
    assert known.orphans() == []
    assert list(known.references()) == []


def test_a_key_that_does_not_open_makes_no_orphans_and_goes_with_its_gallery(known, store, refused) -> None:
    closed = store.key("ada")
    closed.value = closed.value[:-1] + bytes([closed.value[-1] ^ 1])
    for record in (closed, store.feature("ada", 0)):
        known.apply(record)
    assert refused == [Code.BAD_SEAL, Code.BAD_SEAL]
    assert known.orphans() == []
    assert known.covered(forget(person=store.keys.pseudonym("default", "ada"))) == []
    assert [each.reference for each in known.covered(forget("gallery"))] == [ref("ada")]


def test_a_deletion_that_is_complete_hides_nothing_any_more(known, store) -> None:
    erasure = forget("gallery")
    known.erase(erasure)
    known.erase(replace_state(erasure, "completed"))
    for record in (store.key("ada"), store.feature("ada", 0)):
        known.apply(record)
    assert names(known) == ("ada",)


def replace_state(erasure: Erasure, state: str) -> Erasure:
    return msgspec.structs.replace(erasure, state=state)


def test_a_person_under_two_references_is_one_and_goes_as_one(known, store) -> None:
    for record in (
        store.key("ada"),
        store.feature("ada", 0),
        store.key("ada", under="twice"),
        store.feature("twice", 1),
    ):
        known.apply(record)
    assert known.stored("default", "ada") == {"e0", "e1"}
    assert known.reference("default", "ada") == ref("twice")
    known.apply(gone("twice"))
    assert known.galleries.get("default").features("ada") == ("e0",)
    known.erase(forget(person=store.keys.pseudonym("default", "ada")))
    assert names(known) == ()


def test_a_feature_of_an_older_template_key_is_matched_until_that_key_is_revoked(tmp_path, refused) -> None:
    old = KeyDirectory.create(tmp_path / "keys")
    written = Store(old, Protector(old.template_key))
    records = (written.key("ada"), written.feature("ada"))
    newer = old.add("template")

    def read_with(keys: KeyDirectory) -> tuple[str, ...]:
        protector = Protector(keys.template_key)
        galleries = Galleries(lambda: Gallery(protector, impostor_mean=0.1, impostor_deviation=0.11))
        known = GalleryView(
            keys=keys, galleries=galleries, model_version="sface-1", partitions=PARTITIONS, refused=refused.append
        )
        for record in records:
            known.apply(record)
        return known.galleries.get("default").features("ada")

    both = KeyDirectory.open(old.path)
    assert both.template_key.id == newer
    assert (read_with(both), refused) == (("e0",), [])
    both.revoke(old.template_key.id)
    assert (read_with(KeyDirectory.open(old.path)), refused) == ((), [Code.FOREIGN_FEATURE])
