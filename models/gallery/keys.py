"""A key directory: the secrets of one account, apart from the data that they protect.

One file a key, `<key id>.json`, written once and never changed: a new key is a new file, and to revoke one is to
remove its file. Of each kind (template, account) the key with the highest serial number is the active one; older
account keys stay, since they open what they once wrapped. The directory has mode 0700 and its files 0600.

A key's id is derived from a hash of the key, so it is the same wherever the key is copied to, and an altered key
no longer fits its name. A template key's file also holds the checksum of the frame P that it makes (at the default
size): a program that builds P differently stops here, before it writes a string that nobody could match.
"""

import hashlib
import hmac
import os
import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import msgspec

from models.errors import KeyDirectoryError, SealError
from models.gallery.frame import Frame
from models.gallery.seal import KEY_BYTES, derived_key, joined, open_bytes, seal, seal_bytes, unseal

__all__ = ["KeyDirectory", "KeyInfo", "TemplateKey", "seal", "unseal"]

FORMAT: Final = 1
PSEUDONYM_HEX: Final = 32

Kind = Literal["template", "account"]
_PREFIX: Final[dict[Kind, str]] = {"template": "tk-", "account": "ak-"}


@dataclass(frozen=True, slots=True)
class TemplateKey:
    """The key that makes the frame P: its id, which may be shown, and 32 secret bytes, which may not."""

    id: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What may be said of a key. created_at_ms: when its file was written, by the file system's clock."""

    id: str
    kind: Kind
    created_at_ms: int
    active: bool


class _KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key's file. frame_sha256: of a template key's frame at the default size; None for an account key."""

    format: int
    kind: Kind
    serial: int
    secret: bytes
    frame_sha256: str | None = None

    def __repr__(self) -> str:
        return f"_KeyFile({self.kind}, {self.serial})"

    @property
    def id(self) -> str:
        """Prefix of the kind and eight hexadecimal digits of a hash of the key."""
        return _PREFIX[self.kind] + hashlib.sha256(joined(b"key id", self.kind.encode(), self.secret)).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class _Key:
    file: _KeyFile
    created_at_ms: int


class KeyDirectory:
    """The keys of one account. Made by `create` or `open`.

    template_key: the active one; makes a Protector. account_key_id: of the active account key.
    """

    def __init__(self, path: Path, keys: tuple[_Key, ...]) -> None:
        self.path = path
        self._keys = keys
        template = self._active("template")
        self.template_key = TemplateKey(template.id, template.secret)
        account = self._active("account")
        self.account_key_id = account.id
        self._wrapping = {
            key.file.id: derived_key(key.file.secret, "wrap") for key in keys if key.file.kind == "account"
        }
        self._pseudonyms = derived_key(account.secret, "pseudonym")
        self._snapshots = derived_key(account.secret, "snapshot")

    def __repr__(self) -> str:
        return f"KeyDirectory({str(self.path)!r}, {self.template_key.id}, {self.account_key_id})"

    @classmethod
    def create(cls, path: Path) -> "KeyDirectory":
        """Draw a template key and an account key into a new directory, which appears whole or not at all.

        Parents are made. Raises KeyDirectoryError if something other than an empty directory stands at `path`, or
        if nothing can be written there.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # made with mode 0700; the clean-up finds nothing once it was renamed
            with tempfile.TemporaryDirectory(
                prefix=f".{path.name}-", dir=path.parent, ignore_cleanup_errors=True
            ) as aside:
                for kind in _PREFIX:
                    _write(Path(aside), _new_key(kind))
                Path(aside).rename(path)
        except OSError as error:
            raise KeyDirectoryError(
                f"key directory {path}: expected nothing or an empty directory to create it in, "
                f"found {error.strerror or error}: name another directory, or use the keys that are there"
            ) from error
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> "KeyDirectory":
        """Read and check every key.

        Raises KeyDirectoryError, in one line that says what was expected, what was found and what to do.
        """
        _check_mode(path, 0o700, path)
        found = sorted(file for file in path.iterdir() if file.suffix == ".json" and not file.name.startswith("."))
        keys = tuple(_read(file) for file in found)
        kinds = [key.file.kind for key in keys]
        if "template" not in kinds or "account" not in kinds:
            raise KeyDirectoryError(
                f"key directory {path}: expected a template key and an account key, found "
                f"{', '.join(sorted(kinds)) or 'none'}: restore what is missing, or create keys in an empty directory"
            )
        return cls(path, keys)

    def list_keys(self) -> tuple[KeyInfo, ...]:
        """All keys: template keys, then account keys, each from the oldest to the active one."""
        active = {self.template_key.id, self.account_key_id}
        ordered = sorted(self._keys, key=lambda key: (key.file.kind != "template", key.file.serial))
        return tuple(KeyInfo(k.file.id, k.file.kind, k.created_at_ms, k.file.id in active) for k in ordered)

    def new_data_key(self) -> bytes:
        """32 random bytes that will seal what is stored of one person."""
        return secrets.token_bytes(KEY_BYTES)

    def wrap(self, data_key: bytes, *, place: bytes) -> bytes:
        """A data key, sealed with the active account key for the record `place`; names the key it needs."""
        key_id = self.account_key_id.encode("ascii")
        sealed = seal_bytes(self._wrapping[self.account_key_id], data_key, joined(b"data key", place, key_id))
        return bytes([len(key_id)]) + key_id + sealed

    def unwrap(self, wrapped: bytes, *, place: bytes) -> bytes:
        """The data key that `wrap` was given. Raises SealError on another place, an unknown key or altered bytes."""
        length = wrapped[0] if wrapped else 0
        key_id, sealed = wrapped[1 : 1 + length], wrapped[1 + length :]
        key = self._wrapping.get(key_id.decode("ascii", errors="replace"))
        if key is None:
            raise SealError("wrapped with an account key that is not in the key directory")
        return open_bytes(key, sealed, joined(b"data key", place, key_id))

    def pseudonym(self, gallery: str, person_id: str) -> str:
        """What stands for a person where the PersonID must not: 32 hexadecimal digits, the same until the key changes.

        HMAC-SHA256 over gallery and person behind their lengths, with a key derived from the active account key.
        """
        named = joined(gallery.encode(), person_id.encode())
        return hmac.new(self._pseudonyms, named, hashlib.sha256).hexdigest()[:PSEUDONYM_HEX]

    def snapshot_key(self) -> bytes:
        """The 32 bytes that seal this account's gallery snapshots."""
        return self._snapshots

    def _active(self, kind: Kind) -> _KeyFile:
        return max((key.file for key in self._keys if key.file.kind == kind), key=lambda file: file.serial)


def _new_key(kind: Kind) -> _KeyFile:
    secret = secrets.token_bytes(KEY_BYTES)
    checksum = Frame(secret).checksum() if kind == "template" else None
    return _KeyFile(FORMAT, kind, serial=1, secret=secret, frame_sha256=checksum)


def _write(directory: Path, key: _KeyFile) -> None:
    path = directory / f"{key.id}.json"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)  # whatever the umask
        file.write(msgspec.json.encode(key))
        file.flush()
        os.fsync(descriptor)


def _read(path: Path) -> _Key:
    with path.open("rb") as file:
        status = _check_mode(path, 0o600, file.fileno())
        key = _decoded(file.read())
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
    return _Key(key, status.st_mtime_ns // 1_000_000)


def _decoded(content: bytes) -> _KeyFile | None:
    """None if it is no key file; no exception, since one could carry the content along."""
    try:
        return msgspec.json.decode(content, type=_KeyFile)
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
