"""The files of a key directory: how keys are drawn, written, read, checked and removed.

One file a key, `<key id>.json`, written once and never changed: a new key is a new file, and to revoke one is to
remove its file. Of a revoked signing key the public half stays, in `<key id>.pub`. The directory has mode 0700 and
its files 0600. Names that begin with a full stop are files in the making, and nobody reads them.

A key's id is derived from a hash of the key, so it is the same wherever the key is copied to, and an altered key
no longer fits its name. A template key's file also holds the checksum of the frame P that it makes (at the default
size): a program that builds P differently stops here, before it writes a string that nobody could match.
"""

import hashlib
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeVar, get_args

import msgspec

from models.errors import KeyDirectoryError
from models.gallery import signing
from models.gallery.frame import Frame
from models.gallery.seal import KEY_BYTES, joined

FORMAT: Final = 1

Kind = Literal["template", "account", "signing"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_PREFIX: Final[Mapping[Kind, str]] = {"template": "tk-", "account": "ak-", "signing": signing.PREFIX}


class KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key's file. frame_sha256: of a template key's frame at the default size; None for the other kinds."""

    format: int
    kind: Kind
    serial: int
    secret: bytes
    frame_sha256: str | None = None

    def __repr__(self) -> str:
        return f"KeyFile({self.kind}, {self.serial})"

    @property
    def id(self) -> str:
        """Prefix of the kind and eight hexadecimal digits of a hash: of the key, or of a signing key's public half."""
        if self.kind == "signing":
            return signing.Signer(self.secret).key_id
        digest = hashlib.sha256(joined(b"key id", self.kind.encode(), self.secret)).hexdigest()
        return _PREFIX[self.kind] + digest[:8]


class _PublicFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stays of a revoked signing key."""

    format: int
    public: bytes


_Form = TypeVar("_Form", KeyFile, _PublicFile)


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key and when its file was written, by the file system's clock."""

    file: KeyFile
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """All that stands in a key directory. revoked: public halves (32 bytes) of revoked signing keys, by key id."""

    keys: tuple[StoredKey, ...]
    revoked: Mapping[str, bytes]

    def of(self, kind: Kind) -> list[StoredKey]:
        """The keys of one kind, from the oldest to the active one."""
        return sorted((key for key in self.keys if key.file.kind == kind), key=lambda k: (k.file.serial, k.file.id))


def create(path: Path) -> None:
    """Draw one key of each kind into a new directory, which appears whole or not at all.

    Parents are made. Raises KeyDirectoryError if something other than an empty directory stands at `path`, or
    if nothing can be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # made with mode 0700; the clean-up finds nothing once it was renamed
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent, ignore_cleanup_errors=True) as aside:
            for kind in KINDS:
                _write_key(Path(aside), _drawn(kind, serial=1))
            Path(aside).rename(path)
    except OSError as error:
        raise KeyDirectoryError(
            f"key directory {path}: expected nothing or an empty directory to create it in, "
            f"found {error.strerror or error}: name another directory, or use the keys that are there"
        ) from error


def add(path: Path, kind: Kind) -> str:
    """Draw one more key of this kind, which becomes the active one wherever the directory is opened anew; its id.

    Raises KeyDirectoryError if the directory cannot be read or written.
    """
    others = read(path).of(kind)
    key = _drawn(kind, serial=1 + max((other.file.serial for other in others), default=0))
    try:
        _write_key(path, key)
    except OSError as error:
        raise _unwritable(path, error) from error
    return key.id


def remove(path: Path, key: StoredKey) -> None:
    """Remove a key's file; of a signing key the public half stays. Raises KeyDirectoryError if it cannot be written.

    The bytes on the disk are the file system's: a snapshot of it, a backup or a worn flash cell may still hold them.
    """
    try:
        if key.file.kind == "signing":
            public = _PublicFile(FORMAT, signing.Signer(key.file.secret).public)
            _write(path / f"{key.file.id}.pub", msgspec.json.encode(public))
        (path / f"{key.file.id}.json").unlink()
        _sync(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def read(path: Path) -> KeyFiles:
    """Read and check every file; a kind may be missing.

    Raises KeyDirectoryError, in one line that says what was expected, what was found and what to do.
    """
    _check_mode(path, 0o700, path)
    found = sorted(file for file in path.iterdir() if not file.name.startswith("."))
    keys = tuple(_read_key(file) for file in found if file.suffix == ".json")
    revoked = {file.stem: _read_public(file) for file in found if file.suffix == ".pub"}
    return KeyFiles(keys, revoked)


def _drawn(kind: Kind, serial: int) -> KeyFile:
    secret = secrets.token_bytes(KEY_BYTES)
    checksum = Frame(secret).checksum() if kind == "template" else None
    return KeyFile(FORMAT, kind, serial=serial, secret=secret, frame_sha256=checksum)


def _write_key(directory: Path, key: KeyFile) -> None:
    _write(directory / f"{key.id}.json", msgspec.json.encode(key))


def _write(path: Path, content: bytes) -> None:
    """Written aside and renamed once it is on the disk: a worker that starts meanwhile sees all of it or nothing."""
    descriptor, aside = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)  # whatever the umask
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        Path(aside).rename(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_key(path: Path) -> StoredKey:
    content, status = _content(path)
    key = _decoded(content, KeyFile)
    if key is None or key.format != FORMAT or len(key.secret) != KEY_BYTES:
        raise KeyDirectoryError(
            f"{path}: expected a key file of format {FORMAT}, found another: restore it from a copy"
        )
    if key.id != path.stem:
        raise KeyDirectoryError(f"{path}: expected the key of that name, found {key.id}: restore it from a copy")
    if key.kind == "template" and (checksum := Frame(key.secret).checksum()) != key.frame_sha256:
        raise KeyDirectoryError(
            f"{path}: expected a frame with checksum {str(key.frame_sha256)[:16]}, found {checksum[:16]}: "
            "run the version that made the key, or enroll again under a new one"
        )
    return StoredKey(key, status.st_mtime_ns // 1_000_000)


def _read_public(path: Path) -> bytes:
    content, _ = _content(path)
    file = _decoded(content, _PublicFile)
    if file is None or file.format != FORMAT or len(file.public) != signing.PUBLIC_BYTES:
        raise KeyDirectoryError(
            f"{path}: expected a public key of format {FORMAT}, found another: restore it from a copy"
        )
    if (found := signing.key_id(file.public)) != path.stem:
        raise KeyDirectoryError(f"{path}: expected the key of that name, found {found}: restore it from a copy")
    return file.public


def _content(path: Path) -> tuple[bytes, os.stat_result]:
    with path.open("rb") as file:
        status = _check_mode(path, 0o600, file.fileno())
        return file.read(), status


def _decoded(content: bytes, form: type[_Form]) -> _Form | None:
    """None if it is no such file; no exception, since one could carry the content along."""
    try:
        return msgspec.json.decode(content, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _check_mode(path: Path, expected: int, target: Path | int) -> os.stat_result:
    """The status of `target` (`path`, or a descriptor of it), unless others than its owner may touch it."""
    try:
        status = os.stat(target)  # noqa: PTH116 - Path.stat takes no descriptor
    except OSError as error:
        raise KeyDirectoryError(f"{path}: expected a key directory, found {error.strerror}: create its keys") from error
    if (mode := status.st_mode & 0o7777) & ~expected:
        raise KeyDirectoryError(
            f"{path}: expected mode {expected:04o}, found {mode:04o}: run chmod {expected:o} {path}"
        )
    return status


def _unwritable(path: Path, error: OSError) -> KeyDirectoryError:
    return KeyDirectoryError(
        f"key directory {path}: expected to write there, found {error.strerror or error}: "
        "run it as the directory's owner, on a file system that is not read-only"
    )
