"""What face-features holds goes into the gallery; what cannot be used is counted and does not stop the view."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from models.errors import SnapshotError
from models.gallery.gallery import Galleries, Gallery
from models.gallery.keys import KeyDirectory
from models.gallery.protect import Protector
from models.gallery.seal import seal
from streams.agents.gallery_view import GalleryView
from streams.wire.codes import Code
from streams.wire.feature_keys import FeatureKey

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


class Store:
    """Makes the records that an enrollment writes."""

    def __init__(self, keys: KeyDirectory, protector: Protector) -> None:
        self.keys = keys
        self.protector = protector
        self.data_key = keys.new_data_key()
        self.random = np.random.default_rng(7)

    def key(self, person: str, gallery: str = "default") -> Read:
        place = FeatureKey(gallery, person).encode()
        return Read(place, self.keys.wrap(self.data_key, place=place))

    def feature(self, person: str, number: int = 0, model: str = "sface-1", gallery: str = "default") -> Read:
        place = FeatureKey(gallery, person, f"e{number}").encode()
        embedding = self.random.standard_normal(128).astype(np.float32)
        embedding /= np.linalg.norm(embedding)
        key_id = self.keys.template_key.id
        sealed = seal(self.data_key, self.protector.protect(embedding), place=place, key_id=key_id, model_version=model)
        return Read(place, sealed, [("key_id", key_id.encode()), ("model_version", model.encode())])


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
    known.apply(Read(FeatureKey("default", "ada", "e0").encode(), None))
    assert known.galleries.get("default").features("ada") == ("e1",)
    assert known.stored("default", "ada") == {"e1"}


def test_a_tombstone_on_the_key_forgets_all_that_it_sealed(known, store) -> None:
    for record in (store.key("ada"), store.feature("ada", 0), store.key("ben"), store.feature("ben", 0)):
        known.apply(record)
    known.apply(Read(FeatureKey("default", "ada").encode(), None))
    assert known.galleries.get("default").persons() == ("ben",)
    assert known.data_key("default", "ada") is None


def test_after_feature_and_key_are_gone_nothing_is_held(known, store) -> None:
    for record in (store.key("ada"), store.feature("ada", 0)):
        known.apply(record)
    known.apply(Read(FeatureKey("default", "ada", "e0").encode(), None))
    known.apply(Read(FeatureKey("default", "ada").encode(), None))
    assert not known.holds("default", "ada")


def broken(store: Store) -> list[tuple[str, Read, Code]]:
    altered = store.feature("ada")
    altered.value = altered.value[:-1] + bytes([altered.value[-1] ^ 1])
    moved = store.feature("ada")
    moved.key = FeatureKey("default", "ada", "elsewhere").encode()
    bare = store.feature("ada")
    bare.headers = []
    wrong_key = store.key("eve")
    wrong_key.key = FeatureKey("default", "mallory").encode()
    return [
        ("no key", Read(None, b"x"), Code.BAD_RECORD),
        ("one part", Read(b"default", b"x"), Code.BAD_RECORD),
        ("not encoded", Read("default/é".encode(), b"x"), Code.BAD_RECORD),
        ("altered", altered, Code.BAD_SEAL),
        ("another place", moved, Code.BAD_SEAL),
        ("another model", store.feature("ada", model="arcface-9"), Code.FOREIGN_FEATURE),
        ("no headers", bare, Code.FOREIGN_FEATURE),
        ("no data key", store.feature("nobody"), Code.BAD_SEAL),
        ("a key from another person", wrong_key, Code.BAD_SEAL),
    ]


@pytest.mark.parametrize("which", range(9))
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
    other.apply(Read(FeatureKey("default", "ada", "e1").encode(), None))
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
    known.apply(Read(FeatureKey("default", "ada", "e0").encode(), None))
    known.apply(Read(FeatureKey("default", "ada").encode(), None))
    assert b"ada" not in known.state()
    assert store.data_key not in known.state()


def history(store: Store) -> list[Read]:
    """Enrolled, enrolled again, forgotten by feature and by person, and enrolled once more under a new key."""

    def gone(*place: str) -> Read:
        return Read(FeatureKey("default", *place).encode(), None)

    before = [store.key("ada"), store.feature("ada", 0), store.key("ben"), store.feature("ben", 0)]
    before += [store.feature("ada", 1), gone("ada", "e0"), gone("ada", "e1"), gone("ada")]
    store.data_key = store.keys.new_data_key()
    return [*before, store.key("ada"), store.feature("ada", 2), gone("ben", "e0"), gone("ben")]


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


def test_headers_without_a_value_are_those_of_a_foreign_feature(known, store, refused) -> None:
    known.apply(store.key("ada"))
    known.apply(replace(store.feature("ada"), headers=[("key_id", None), ("model_version", None)]))
    assert refused == [Code.FOREIGN_FEATURE]


def test_a_tombstone_for_nobody_makes_no_gallery(known, refused) -> None:
    made = known.galleries.names(), known.galleries.get("default")
    for number in range(3):
        known.apply(Read(FeatureKey(f"gallery-{number}", "nobody").encode(), None))
        known.apply(Read(FeatureKey(f"gallery-{number}", "nobody", "e1").encode(), None))
    assert known.galleries.rebuild() == 0
    assert (known.galleries.names(), known.galleries.get("default")) == made
    assert len(known.galleries._galleries) == 1
    assert refused == []
