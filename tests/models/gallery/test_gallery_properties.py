"""Whatever is done in whatever order, the gallery knows what a plain dictionary knows."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from models.gallery.gallery import Gallery
from models.gallery.keys import TemplateKey
from models.gallery.protect import Protector
from models.types import Searched

PROTECTOR = Protector(TemplateKey("tk-test", bytes(32)), dimension=16, bits=64)
EMBEDDINGS = np.random.default_rng(1).normal(size=(12, 16)).astype(np.float32)
EMBEDDINGS /= np.linalg.norm(EMBEDDINGS, axis=1, keepdims=True)
STRINGS = [PROTECTOR.protect(embedding) for embedding in EMBEDDINGS]
PERSONS = st.sampled_from(["ada", "bob", "cyd", "dan"])
FEATURES = st.sampled_from(["1", "2", "3"])


class Changes(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.gallery = Gallery(PROTECTOR, impostor_mean=0.1, impostor_deviation=0.11, hnsw_from=3, rebuild_share=0.2)
        self.known: dict[tuple[str, str], int] = {}

    @rule(person=PERSONS, feature=FEATURES, which=st.integers(0, len(STRINGS) - 1))
    def add(self, person: str, feature: str, which: int) -> None:
        self.gallery.add(person, feature, STRINGS[which])
        self.known[person, feature] = which

    @rule(person=PERSONS)
    def forget(self, person: str) -> None:
        doomed = [key for key in self.known if key[0] == person]
        assert self.gallery.forget(person) == len(doomed)
        for key in doomed:
            del self.known[key]

    @rule(person=PERSONS, feature=FEATURES)
    def forget_feature(self, person: str, feature: str) -> None:
        known = self.known.pop((person, feature), None) is not None
        assert self.gallery.forget_features([(person, feature)]) == known

    @rule()
    def rebuild(self) -> None:
        self.gallery.rebuild()
        assert not self.gallery.rebuild()

    @rule(probe=st.integers(0, len(STRINGS) - 1), k=st.integers(1, 5), exact=st.booleans())
    def search(self, probe: int, k: int, exact: bool) -> None:
        best: dict[str, float] = {}
        for (person, _), which in self.known.items():
            vector = PROTECTOR.derive(np.frombuffer(STRINGS[which], np.uint8)[np.newaxis])[0]
            best[person] = max(best.get(person, -1.0), float(np.clip(vector @ EMBEDDINGS[probe], -1, 1)))
        result = self.gallery.search(EMBEDDINGS[probe], k=k, exact=exact)
        found = [candidate.similarity for candidate in result.candidates]
        np.testing.assert_allclose(found, sorted(best.values(), reverse=True)[:k], atol=1e-5)
        np.testing.assert_allclose(found, [best[c.person_id] for c in result.candidates], atol=1e-5)
        assert len({candidate.person_id for candidate in result.candidates}) == len(found)
        assert not exact or result.searched is Searched.EXACT
        assert (result.persons, result.features) == (len(best), len(self.known))

    @invariant()
    def knows_the_same(self) -> None:
        assert self.gallery.persons() == tuple(sorted({person for person, _ in self.known}))
        ids, rows = self.gallery.contents()
        assert {key: bytes(row) for key, row in zip(ids, rows, strict=True)} == {
            key: STRINGS[which] for key, which in self.known.items()
        }
        assert len(self.gallery) == len(self.known) == len(ids)


Changes.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestChanges = Changes.TestCase
