"""A key directory: the secrets of one account, apart from the data that they protect. KEYS.md has the whole scheme.

Three kinds. A template key makes the frame P, and so the bits of a face. An account key wraps what is known of each
person. A signing key signs receipts. Of each kind the key with the highest serial number is the active one, with
which new things are made; older ones stay for what they once made, until they are revoked.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from models.errors import KeyDirectoryError, SealError
from models.gallery import key_files
from models.gallery.key_files import KINDS, KeyFiles, Kind
from models.gallery.seal import KEY_BYTES, derived_key, joined, open_bytes, seal, seal_bytes, unseal
from models.gallery.signing import Signer

__all__ = ["KINDS", "KeyDirectory", "KeyInfo", "Kind", "TemplateKey", "seal", "unseal", "wrapping_key_id"]

PSEUDONYM_HEX: Final = 32


@dataclass(frozen=True, slots=True)
class TemplateKey:
    """The key that makes the frame P: its id, which may be shown, and 32 secret bytes, which may not."""

    id: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What may be said of a key.

    created_at_ms: when its file was written, by the file system's clock.
    public: 32 bytes, a signing key's public half; None for the other kinds.
    """

    id: str
    kind: Kind
    created_at_ms: int
    active: bool
    public: bytes | None = None


class KeyDirectory:
    """The keys of one account. Made by `create` or `open`.

    template_key: the active one; makes a Protector. account_key_id, signing_key_id: of the active keys.
    """

    def __init__(self, path: Path, files: KeyFiles) -> None:
        self.path = path
        self._files = files
        template, account = files.of("template")[-1].file, files.of("account")[-1].file
        self.template_key = TemplateKey(template.id, template.secret)
        self.account_key_id = account.id
        accounts = {key.file.id: key.file.secret for key in files.of("account")}
        self._wrapping = {key_id: derived_key(secret, "wrap") for key_id, secret in accounts.items()}
        self._pseudonyms = {key_id: derived_key(secret, "pseudonym") for key_id, secret in accounts.items()}
        self._snapshots = derived_key(account.secret, "snapshot")
        self._signers = {signer.key_id: signer for signer in (Signer(key.file.secret) for key in files.of("signing"))}
        self.signing_key_id = files.of("signing")[-1].file.id

    def __repr__(self) -> str:
        return f"KeyDirectory({str(self.path)!r}, {self.template_key.id}, {self.account_key_id}, {self.signing_key_id})"

    @classmethod
    def create(cls, path: Path) -> "KeyDirectory":
        """Draw one key of each kind into a new directory, which appears whole or not at all.

        Parents are made. Raises KeyDirectoryError if something other than an empty directory stands at `path`, or
        if nothing can be written there.
        """
        key_files.create(path)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> "KeyDirectory":
        """Read and check every key.

        Raises KeyDirectoryError, in one line that says what was expected, what was found and what to do.
        """
        files = key_files.read(path)
        missing = [kind for kind in KINDS if not files.of(kind)]
        if missing:
            found = [kind for kind in KINDS if kind not in missing]
            raise KeyDirectoryError(
                f"key directory {path}: expected a key of each kind ({', '.join(KINDS)}), found "
                f"{' and '.join(found) or 'none'}: restore what is missing from a copy, or draw a new one with "
                f"facestreams keys new --kind {missing[0]}" + ("" if missing == ["signing"] else " and enroll again")
            )
        return cls(path, files)

    def add(self, kind: Kind) -> str:
        """Draw one more key of this kind, the active one wherever the directory is opened from now on; its id.

        This object stays as it was opened. Raises KeyDirectoryError if nothing can be written there.
        """
        return key_files.add(self.path, kind)

    def revoke(self, key_id: str) -> None:
        """Remove a key. What rested on it is unreadable from the next opening on; this object stays as it was opened.

        Raises KeyDirectoryError if there is no such key, if it is the last of its kind, or if it cannot be removed.
        """
        stored = next((key for key in self._files.keys if key.file.id == key_id), None)
        if stored is None:
            raise KeyDirectoryError(f"key directory {self.path}: expected one of its keys, found {key_id}: list them")
        if len(self._files.of(stored.file.kind)) == 1:
            raise KeyDirectoryError(
                f"key directory {self.path}: expected another {stored.file.kind} key beside {key_id}, found none: "
                f"run facestreams keys new --kind {stored.file.kind} first"
            )
        key_files.remove(self.path, stored)

    def list_keys(self) -> tuple[KeyInfo, ...]:
        """All keys: template, account, then signing keys, each from the oldest to the active one."""
        return tuple(
            KeyInfo(
                id=key.file.id,
                kind=kind,
                created_at_ms=key.created_at_ms,
                active=key is keys[-1],
                public=self._signers[key.file.id].public if kind == "signing" else None,
            )
            for kind in KINDS
            for keys in (self._files.of(kind),)
            for key in keys
        )

    def template_keys(self) -> tuple[TemplateKey, ...]:
        """All template keys, from the oldest to the active one."""
        return tuple(TemplateKey(key.file.id, key.file.secret) for key in self._files.of("template"))

    def new_data_key(self) -> bytes:
        """32 random bytes that will seal what is stored of one person."""
        return secrets.token_bytes(KEY_BYTES)

    def wrap(self, secret: bytes, *, place: bytes) -> bytes:
        """A person's secret, sealed with the active account key for the record `place`; names the key it needs."""
        key_id = self.account_key_id.encode("ascii")
        sealed = seal_bytes(self._wrapping[self.account_key_id], secret, joined(b"data key", place, key_id))
        return bytes([len(key_id)]) + key_id + sealed

    def unwrap(self, wrapped: bytes, *, place: bytes) -> bytes:
        """The secret that `wrap` was given. Raises SealError on another place, an unknown key or altered bytes."""
        key_id, sealed = _named(wrapped)
        key = self._wrapping.get(key_id.decode("ascii", errors="replace"))
        if key is None:
            raise SealError("wrapped with an account key that is not in the key directory")
        return open_bytes(key, sealed, joined(b"data key", place, key_id))

    def pseudonym(self, gallery: str | None, person_id: str) -> str:
        """What stands for a person where the PersonID must not: 32 hexadecimal digits, the same until the key changes.

        HMAC-SHA256 over gallery and person behind their lengths, with a key derived from the active account key.
        gallery: None for the person in whatever gallery; then over the person alone.
        """
        return _pseudonym(self._pseudonyms[self.account_key_id], gallery, person_id)

    def is_pseudonym(self, pseudonym: str, gallery: str | None, person_id: str) -> bool:
        """Whether it stands for this person, under the active account key or an older one that is still there."""
        return pseudonym in self.pseudonyms(gallery, person_id)

    def has_account_key(self, key_id: str) -> bool:
        """Whether pseudonyms under this account key are known here, and what it wrapped opens."""
        return key_id in self._wrapping

    def pseudonyms(self, gallery: str | None, person_id: str) -> tuple[str, ...]:
        """All that stand for this person: those of the gallery, then those without one.

        Of either, one an account key, from the oldest to the active one.
        """
        galleries = (None,) if gallery is None else (gallery, None)
        return tuple(_pseudonym(key, each, person_id) for each in galleries for key in self._pseudonyms.values())

    def snapshot_key(self) -> bytes:
        """The 32 bytes that seal this account's gallery snapshots; another after a new account key."""
        return self._snapshots

    def sign(self, message: bytes) -> tuple[str, bytes]:
        """The active signing key's id and its Ed25519 signature (64 bytes) of these bytes."""
        return self.signing_key_id, self._signers[self.signing_key_id].sign(message)

    def verify_keys(self) -> Mapping[str, bytes]:
        """Public halves (32 bytes) by key id: of every signing key that is there, and of those that were revoked."""
        return dict(self._files.revoked) | {key_id: signer.public for key_id, signer in self._signers.items()}


def wrapping_key_id(wrapped: bytes) -> str | None:
    """Which account key `wrap` used; it stands in the open. None if no id stands there."""
    key_id, _ = _named(wrapped)
    return key_id.decode("ascii") if key_id and key_id.isascii() else None


def _named(wrapped: bytes) -> tuple[bytes, bytes]:
    length = wrapped[0] if wrapped else 0
    return wrapped[1 : 1 + length], wrapped[1 + length :]


def _pseudonym(key: bytes, gallery: str | None, person_id: str) -> str:
    named = (person_id,) if gallery is None else (gallery, person_id)
    return hmac.new(key, joined(*(each.encode() for each in named)), hashlib.sha256).hexdigest()[:PSEUDONYM_HEX]
