"""A gallery on disk: bits and ids, sealed, so that a restart replays the tail of the topic and not all of it.

Two files: `path` holds what is known and what the caller attaches, encrypted under the account's snapshot key;
`path` with `.json` after it, the sidecar, says in clear what the first is and up to where it holds. The sidecar's
bytes are the associated data of the encryption, so that neither can be altered or exchanged without the other. Both
are written aside and renamed, the sidecar last; a crash in between leaves a pair that does not agree, and is refused:
a slower start, never a wrong one.

No float and no link of an HNSW is saved. The graph is built anew at load, at the caller's time (`Gallery.rebuild`):
0.03 s at 1,000 features, 0.7 s at 10,000 and 1.6 s at 20,000, while the exact scan already answers. To keep the links
would save that, and cost a dependence on hnswlib's private layout of memory.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from models.errors import SealError, SnapshotError
from models.gallery.gallery import Galleries, Gallery
from models.gallery.protect import Protector
from models.gallery.seal import joined, open_bytes, seal_bytes

FORMAT: Final = 1


class Sidecar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a snapshot is and up to where it holds.

    source: what the galleries were made from, the caller's words. features: by gallery. offsets: the caller's
    positions in that source. saved_at_ms: the caller's clock.
    """

    format: int
    dimension: int
    bits: int
    key_id: str
    model_version: str
    source: str
    features: dict[str, int]
    offsets: dict[str, int]
    saved_at_ms: int


class _Saved(msgspec.Struct, frozen=True):
    """One gallery. ids: person id and feature id, in the order of the rows of bits."""

    name: str
    ids: list[tuple[str, str]]
    bits: bytes


class _Body(msgspec.Struct, frozen=True):
    """What is sealed."""

    galleries: list[_Saved]
    attachment: bytes


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What `load` has opened and found to agree. attachment: what `save` was given."""

    sidecar: Sidecar
    attachment: bytes = field(repr=False)
    _galleries: list[_Saved] = field(repr=False)

    def fill(self, galleries: Galleries) -> None:
        """Make known what was saved. Raises SnapshotError, and changes nothing, if anything is known already."""
        if any(len(galleries.get(name)) for name in galleries.names()):
            raise SnapshotError("expected empty galleries to load into")
        for saved in self._galleries:
            rows = np.frombuffer(saved.bits, np.uint8).reshape(-1, self.sidecar.bits // 8)
            galleries.get(saved.name).fill(saved.ids, rows)


def sidecar_path(path: Path) -> Path:
    """Where the sidecar of the snapshot at `path` stands."""
    return path.with_name(path.name + ".json")


def remove(path: Path) -> None:
    """Remove a snapshot, its sidecar and what an ended saving left of them. Raises OSError."""
    for file in (path, sidecar_path(path)):
        file.unlink(missing_ok=True)
        _aside(file).unlink(missing_ok=True)


def save(
    galleries: Galleries,
    path: Path,
    key: bytes,
    *,
    model_version: str,
    source: str,
    offsets: Mapping[str, int],
    saved_at_ms: int,
    attachment: bytes = b"",
) -> None:
    """Write what is known, in place of an older snapshot; mode 0600.

    offsets: up to where the caller has carried out everything, taken before this call: what is changed meanwhile
        may be in the snapshot already, and is replayed once more.
    saved_at_ms: when the offsets were all that there was.
    key: 32 bytes (`KeyDirectory.snapshot_key`). attachment: sealed with the rest.
    Raises OSError if the files cannot be written.
    """
    saved = [_saved(name, galleries.get(name)) for name in galleries.names()]
    protector = galleries.get().protector
    sidecar = msgspec.json.encode(
        Sidecar(
            format=FORMAT,
            dimension=protector.dimension,
            bits=protector.bits,
            key_id=protector.key_id,
            model_version=model_version,
            source=source,
            features={gallery.name: len(gallery.ids) for gallery in saved},
            offsets=dict(offsets),
            saved_at_ms=saved_at_ms,
        )
    )
    body = msgspec.msgpack.encode(_Body(saved, attachment))
    _replace(path, seal_bytes(key, body, joined(b"snapshot", sidecar)))
    _replace(sidecar_path(path), sidecar)


def load(
    path: Path, key: bytes, *, protector: Protector, model_version: str, source: str, now_ms: int, max_age_ms: int
) -> Snapshot:
    """Open a snapshot and compare it with what it is wanted for; its sidecar says from where to go on.

    protector: of the galleries that it will fill. max_age_ms: an older snapshot may remember the erased, and is
    refused unread. Raises SnapshotError, whose reason says what did not agree (nothing there, format, dimension,
    bits, key id, model version, source, age, altered, count).
    """
    raw = _read(sidecar_path(path))
    try:
        sidecar = msgspec.json.decode(raw, type=Sidecar)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotError(f"sidecar: {error}") from error
    expected = {
        "format": FORMAT,
        "dimension": protector.dimension,
        "bits": protector.bits,
        "key_id": protector.key_id,
        "model_version": model_version,
        "source": source,
    }
    for name, value in expected.items():
        if (found := getattr(sidecar, name)) != value:
            raise SnapshotError(f"{name}: expected {value}, found {found}")
    if not 0 <= now_ms - sidecar.saved_at_ms <= max_age_ms:
        raise SnapshotError(f"age: expected 0 to {max_age_ms} ms, found {now_ms - sidecar.saved_at_ms} ms")
    try:
        opened = open_bytes(key, _read(path), joined(b"snapshot", raw))
    except SealError as error:
        raise SnapshotError("altered, of another key, or not of this sidecar") from error
    body = msgspec.msgpack.decode(opened, type=_Body)
    _check_counts(body.galleries, sidecar)
    return Snapshot(sidecar, body.attachment, body.galleries)


def _saved(name: str, gallery: Gallery) -> _Saved:
    ids, bits_rows = gallery.contents()
    return _Saved(name, ids, bits_rows.tobytes())


def _check_counts(saved: list[_Saved], sidecar: Sidecar) -> None:
    counts = {gallery.name: len(gallery.bits) // (sidecar.bits // 8) for gallery in saved}
    named = {gallery.name: len(gallery.ids) for gallery in saved}
    if not counts == named == sidecar.features:
        raise SnapshotError(f"count: expected {sidecar.features}, found {named} ids and {counts} rows")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SnapshotError(f"{path.name}: {error.strerror}") from error


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def _replace(path: Path, content: bytes) -> None:
    """Write aside with mode 0600, and rename once it is on the disk."""
    aside = _aside(path)
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    aside.replace(path)
