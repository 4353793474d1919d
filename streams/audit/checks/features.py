"""Promise 2: what is stored of a face is a sealed bit string, and nothing else that could stand for it goes out."""

from math import isclose
from typing import Final

from models.gallery.person import opened
from models.gallery.seal import NONCE_BYTES, VERSION
from models.types import SIMILARITY_STEP
from streams.audit.checks.keys import feature_key
from streams.audit.embeddings import looks_like_embedding
from streams.audit.facts import Facts
from streams.audit.finding import Finding, Findings, Promise
from streams.audit.gallery import Gallery
from streams.audit.reading import Seen
from streams.wire.feature_keys import FeatureKey
from streams.wire.records import Recognition, RunningLogEntry, Sighting
from streams.wire.topics import FACE_FEATURES, RECOGNITIONS

TAG_BYTES: Final = 16
STRING_BYTES: Final = frozenset(bits // 8 for bits in (256, 512, 1024, 2048, 4096))
"""Of the bit strings that a protector makes."""
WRAPPED_FROM: Final = 1 + len(VERSION) + NONCE_BYTES + TAG_BYTES

FEATURE_HEADERS: Final = ("key_id", "model_version", "quality", "enrolled_at_ms")
KEY_HEADERS: Final = ("enrolled_by", "requested_at_ms")


class Features:
    """gallery: fed with face-features before this is."""

    needs: Final = (FACE_FEATURES, RECOGNITIONS)

    def __init__(self, facts: Facts, gallery: Gallery) -> None:
        self.findings = Findings(Promise.SEALED_FEATURES)
        self._keys = facts.keys
        self._partitions = facts.topics.spec(FACE_FEATURES).partitions
        self._gallery = gallery
        self._wrapped = self._sealed = self._opened = self._similarities = self._others = 0

    def take(self, seen: Seen) -> None:
        """Every record of face-features; the similarities that others publish; numbers wherever they stand."""
        if seen.short == FACE_FEATURES:
            self._stored(seen)
            return
        self._others += 1
        if _bears_numbers(seen):
            self.findings.broke("numbers that look like an embedding", seen.place)
        for similarity in _similarities(seen):
            self._similarities += 1
            steps = similarity / SIMILARITY_STEP
            if not isclose(steps, round(steps), abs_tol=1e-6):
                self.findings.broke(f"a similarity that is not rounded to {SIMILARITY_STEP}", seen.place)

    def finding(self) -> Finding:
        """Nothing can be said where there is no feature."""
        if not self._sealed:
            self.findings.could_not_see("face-features holds no feature", core=True)
        else:
            self.findings.saw(
                f"{self._wrapped} records of keys and {self._sealed} of features read: form, length, headers, partition"
            )
        if self._keys is None:
            self.findings.could_not_see("whether they open: no key directory is at hand", core=True)
        elif self._opened:
            self.findings.saw(f"{self._opened} of them opened with the key directory")
        if self._others:
            self.findings.saw(
                f"{self._others} records of other topics searched for embeddings, their keys and headers too;"
                f" {self._similarities} similarities held against their step of {SIMILARITY_STEP}"
            )
        self.findings.could_not_see("embeddings on camera-frames and gallery-commands: workers alone may read these")
        return self.findings.finding()

    def _stored(self, seen: Seen) -> None:
        if seen.form == "tombstone":
            return
        key = feature_key(seen)
        if key is None or key.partition(self._partitions) != seen.partition:
            self.findings.broke("a record whose key is none of face-features", seen.place)
        elif _bears_numbers(seen):
            self.findings.broke("a feature that is numbers, not a sealed string", seen.place)
        elif key.feature_id is None:
            self._key(seen)
        else:
            self._feature(key, seen)

    def _key(self, seen: Seen) -> None:
        self._wrapped += 1
        self._complete(seen, KEY_HEADERS)
        head = 1 + (seen.value[0] if seen.value else 0)
        if len(seen.value) < WRAPPED_FROM + head or seen.value[head : head + 1] != VERSION:
            self.findings.broke("a person's key that is not wrapped", seen.place)
        elif self._keys is not None:
            if opened(self._keys, seen.key, seen.value) is None:
                self.findings.broke("a person's key that does not open with the key directory", seen.place)
            else:
                self._opened += 1

    def _feature(self, key: FeatureKey, seen: Seen) -> None:
        self._sealed += 1
        self._complete(seen, FEATURE_HEADERS)
        if not has_sealed_form(seen.value):
            self.findings.broke("a feature that is not sealed", seen.place)
            return
        opens = self._gallery.opens(key, seen)  # None: of a person who is forgotten, or whose key has been named
        if opens is False:
            self.findings.broke("a feature that does not open with its person's key and headers", seen.place)
        elif opens:
            self._opened += 1

    def _complete(self, seen: Seen, names: tuple[str, ...]) -> None:
        if missing := [name for name in names if not seen.headers.get(name)]:
            self.findings.broke(f"a record without {', '.join(missing)}", seen.place)


def has_sealed_form(value: bytes) -> bool:
    """Whether a feature's value has the version and the length of a sealed string."""
    return value[:1] == VERSION and len(value) - len(VERSION) - NONCE_BYTES - TAG_BYTES in STRING_BYTES


def _bears_numbers(seen: Seen) -> bool:
    headers = (text.encode() for text in seen.headers.values())
    return any(map(looks_like_embedding, (seen.key, seen.value, *headers)))


def _similarities(seen: Seen) -> list[float]:
    match seen.record:
        case Recognition(faces=faces):
            found = [number for face in faces for number in (face.match.similarity, face.match.margin)]
        case Sighting(best_similarity=best):
            found = [best]
        case RunningLogEntry(results=results):
            found = [face.similarity for face in results]
        case _:
            found = []
    return [number for number in found if number is not None]
