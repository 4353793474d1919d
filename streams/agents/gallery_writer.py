"""What enrollment and forgetting write to face-features; each write is waited for until our own view has it."""

from collections.abc import Callable
from dataclasses import dataclass

from models.gallery.keys import KeyDirectory
from models.gallery.protect import Protector
from models.gallery.seal import seal
from models.types import Float32
from streams.agents.commands import Command
from streams.agents.gallery_view import GalleryView
from streams.engine.outlet import Outlet, Output
from streams.engine.view import View
from streams.wire import records
from streams.wire.feature_keys import FeatureKey
from streams.wire.records import Erasure, ErasureState
from streams.wire.topics import ERASURES, FACE_FEATURES, Topics

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryWriter:
    """Writes keys, features and tombstones."""

    topics: Topics
    account: str
    keys: KeyDirectory
    protector: Protector
    model_version: str
    known: GalleryView
    view: View
    clock_ms: Callable[[], int]

    async def store(self, command: Command, embedding: Float32, quality: float, outlet: Outlet) -> None:
        """Write the feature of an embedding, float32 (d,) of unit length, which goes no further than here.

        The person's key goes first, if there is none yet, into the same partition.
        """
        data_key = self.known.data_key(command.gallery, command.person_id)
        if data_key is None:
            data_key = self.keys.new_data_key()
            place = FeatureKey(command.gallery, command.person_id)
            await self._write(place, self.keys.wrap(data_key, place=place.encode()), (), outlet)
        place = FeatureKey(command.gallery, command.person_id, str(command.event_id))
        key_id = self.keys.template_key.id
        sealed = seal(
            data_key,
            self.protector.protect(embedding),
            place=place.encode(),
            key_id=key_id,
            model_version=self.model_version,
        )
        headers = {
            "key_id": key_id,
            "model_version": self.model_version,
            "quality": f"{quality:.2f}",
            "consent": command.headers.consent or "",
            "consent_basis": command.headers.consent_basis or "",
            "enrolled_at_ms": str(self.clock_ms()),
        }
        await self._write(place, sealed, tuple((name, value.encode()) for name, value in headers.items()), outlet)

    async def erase(self, command: Command, asked_at_ms: int, begun: Erasure | None, outlet: Outlet) -> int:
        """Write a tombstone for each feature of the person, then for its key. Returns the number of features.

        begun: what an earlier delivery of this command wrote to erasures; it is gone on with, and its count stands.
        """
        stored = sorted(self.known.stored(command.gallery, command.person_id))
        features = len(stored) if begun is None else begun.features
        if begun is None:
            await outlet.publish([self._erasure(command, asked_at_ms, "accepted", features)])
        if begun is None or begun.state == "accepted":
            for feature_id in (*stored, None):
                await self._write(FeatureKey(command.gallery, command.person_id, feature_id), None, (), outlet)
            await outlet.publish([self._erasure(command, asked_at_ms, "tombstoned", features)])
        return features

    async def _write(self, place: FeatureKey, value: bytes | None, headers: Headers, outlet: Outlet) -> None:
        output = Output(
            topic=self.topics.name(FACE_FEATURES),
            key=place.encode(),
            value=value,
            partition=place.partition(self.topics.spec(FACE_FEATURES).partitions),
            headers=headers,
        )
        [written] = await outlet.publish([output])
        await self.view.reached(written.partition, written.offset + 1)

    def _erasure(self, command: Command, asked_at_ms: int, state: ErasureState, features: int) -> Output:
        erasure = Erasure(
            event_id=str(command.event_id),
            request_id=command.request_id,
            account=self.account,
            gallery=command.gallery,
            person=self.keys.pseudonym(command.gallery, command.person_id),
            state=state,
            features=features,
            requested_at_ms=asked_at_ms,
            updated_at_ms=self.clock_ms(),
        )
        return Output(topic=self.topics.name(ERASURES), key=command.request_id.encode(), value=records.encode(erasure))
