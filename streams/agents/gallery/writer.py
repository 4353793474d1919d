"""What enrollment writes to face-features; each write is waited for until our own view has it."""

from collections.abc import Callable
from dataclasses import dataclass

from models.gallery.keys import KeyDirectory
from models.gallery.person import PersonSecret
from models.gallery.protect import Protector
from models.gallery.seal import seal
from models.gallery.statement import Statement
from models.types import Float32
from streams.agents.gallery.commands import Enroll
from streams.agents.gallery.view import GalleryView
from streams.engine.outlet import Outlet, Output
from streams.engine.reading.view import View
from streams.wire.feature_keys import FeatureKey, new_reference
from streams.wire.topics import FACE_FEATURES, Topics


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryWriter:
    """Writes keys and features."""

    topics: Topics
    keys: KeyDirectory
    protector: Protector
    model_version: str
    known: GalleryView
    view: View
    clock_ms: Callable[[], int]

    async def store(
        self, command: Enroll, embedding: Float32, quality: float, requested_at_ms: int, outlet: Outlet
    ) -> None:
        """Write the feature of an embedding, float32 (d,) of unit length, which goes no further than here.

        The person's key goes first, if there is none that stays, into the same partition.
        """
        reference = self.known.reference(command.gallery, command.person_id)
        data_key = self.known.data_key(command.gallery, command.person_id)
        if reference is None or data_key is None:
            reference, data_key = new_reference(), self.keys.new_data_key()
            await self._write_key(command, reference, data_key, requested_at_ms, outlet)
        place = FeatureKey(command.gallery, reference, str(command.event_id))
        stated = Statement(
            key_id=self.keys.template_key.id,
            model_version=self.model_version,
            quality=f"{quality:.2f}",
            consent=command.headers.consent or "",
            consent_basis=command.headers.consent_basis or "",
            enrolled_at_ms=str(self.clock_ms()),
        )
        sealed = seal(data_key, self.protector.protect(embedding), place=place.encode(), stated=stated)
        await self._write(place, sealed, stated.texts(), outlet)

    async def _write_key(
        self, command: Enroll, reference: str, data_key: bytes, requested_at_ms: int, outlet: Outlet
    ) -> None:
        place = FeatureKey(command.gallery, reference)
        secret = PersonSecret(data_key, command.person_id)
        # when and by what the person was enrolled tells which deletions cover it
        headers = {"enrolled_by": str(command.event_id), "requested_at_ms": str(requested_at_ms)}
        await self._write(place, self.keys.wrap(secret.encode(), place=place.encode()), headers, outlet)

    async def _write(self, place: FeatureKey, value: bytes, headers: dict[str, str], outlet: Outlet) -> None:
        output = Output(
            topic=self.topics.name(FACE_FEATURES),
            key=place.encode(),
            value=value,
            partition=place.partition(self.topics.spec(FACE_FEATURES).partitions),
            headers=tuple((name, text.encode()) for name, text in headers.items()),
        )
        [written] = await outlet.publish([output])
        await self.view.reached(written.partition, written.offset + 1)
